"""``study.yaml``: one base recipe, named changes to it, one budget, several seeds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from rareseg.config.catalog import CATALOG
from rareseg.config.dataset import SplitSettings
from rareseg.config.load import Settings, load_settings, parse_settings
from rareseg.config.recipe import PatchSize, RecipeSettings
from rareseg.config.takes_effect import check_takes_effect
from rareseg.errors import ConfigError

__all__ = ["BudgetSettings", "RecordSettings", "ScoringSettings", "StudySettings", "load_study_settings"]


class BudgetSettings(Settings):
    """What every strategy may spend: the same for all, so that they can be compared."""

    steps: int = Field(default=10_000, ge=1)
    """Optimizer steps."""
    batch_size: int = Field(default=16, ge=1)
    patch_size: PatchSize = (256, 256)
    """Rows and columns of a patch in pixels; one number for a square."""


class RecordSettings(Settings):
    """What is written while training."""

    log_every: int = Field(default=20, ge=1)
    """Steps between rows of log.csv."""
    validate_every: int | None = Field(default=None, ge=1)
    """Steps between validation scores in the log; by default a tenth of the run."""
    validate_megapixels: float | None = Field(default=None, gt=0)
    """Size of the fixed sample of validation images (those with rare classes first) that these scores use; by
    default a fiftieth of what training reads, so that scores cost a small share of the time."""
    checkpoint_steps: tuple[int, ...] = ()
    """Steps whose weights are kept and evaluated besides the last (for stability over iterations)."""
    checkpoint_seconds: float = Field(default=60.0, ge=0)
    """Seconds between the checkpoints that a resumed run continues from."""
    score_maps: bool = False
    """Keep the scores of every judged pixel, so that `rareseg tune` needs neither dataset nor network: 2 to 4 bytes a
    pixel with six classes. Without them it makes them when it is first asked."""


class ScoringSettings(Settings):
    """What the figures of the report rest on. Counts and scores are stored either way."""

    leave_out_blank: bool = False
    """Leave out images whose mask holds the background alone."""
    leave_out: tuple[str, ...] = ()
    """Sample ids to leave out, such as outliers."""
    thresholds: tuple[float, ...] = (0.25, 0.5, 0.75)
    """Probabilities at which the report gives all rates of a class, for heads of sigmoids and for two classes."""

    @field_validator("thresholds")
    @classmethod
    def _are_probabilities(cls, thresholds: tuple[float, ...]) -> tuple[float, ...]:
        if len(set(thresholds)) < len(thresholds) or not all(0 < value < 1 for value in thresholds):
            raise ValueError("thresholds must be different probabilities between 0 and 1, such as 0.5")
        return thresholds


class StudySettings(Settings):
    """The whole of ``study.yaml``; every key is described in ``docs/formats.md``.

    Example:
        >>> study = StudySettings(name="first", strategies={"baseline": {}, "focal": {"loss": "focal"}})
        >>> study.recipe("focal").loss
        ({'name': 'focal'},)
    """

    name: str = Field(min_length=1)
    dataset: str = "dataset.yaml"
    """dataset.yaml (or its folder), relative to this file."""
    split: SplitSettings | None = None
    """Instead of the dataset's own split."""
    seeds: tuple[int, ...] = Field(default=(0, 1, 2), min_length=1)
    budget: BudgetSettings = BudgetSettings()
    record: RecordSettings = RecordSettings()
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """auto: bfloat16 autocast where the hardware has it, else float32."""
    evaluate: tuple[Literal["val", "test"], ...] = ("val", "test")
    scoring: ScoringSettings = ScoringSettings()
    whole_megapixels: float = Field(default=4.0, gt=0)
    """Largest image, in millions of pixels, that a model which depends on the whole image gets in one piece; larger
    ones go in overlapping tiles, which is an approximation. Other models are exact at any size."""
    base: RecipeSettings = RecipeSettings()
    strategies: dict[str, dict[str, Any]] = Field(min_length=1)
    """Name of the strategy: what it changes in the base. The key ``use`` names a strategy of the catalogue
    (``rareseg strategies``) whose changes come first; a strategy of a catalogue name without any change is that
    one."""

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds) or min(seeds) < 0:
            raise ValueError("seeds must be different whole numbers from 0")
        return seeds

    @field_validator("strategies", mode="before")
    @classmethod
    def _filled(cls, strategies: Any) -> Any:
        if isinstance(strategies, Mapping):
            return {name: {} if change is None else change for name, change in strategies.items()}
        return strategies

    @model_validator(mode="after")
    def _names_are_folders(self) -> Self:
        for name in self.strategies:
            if not name or not all(c.isalnum() or c in "_-" for c in name):
                raise ValueError(
                    f"strategy names become folders, so use letters, digits, '_' and '-' only, not '{name}'"
                )
        late = [step for step in self.record.checkpoint_steps if step > self.budget.steps]
        if late:
            raise ValueError(
                f"record.checkpoint_steps holds {late[0]}, but the run ends at step {self.budget.steps}"
            )
        if self.schedule_outlasts():
            raise ValueError("schedule.warmup_steps is longer than the run; shorten it")
        return self

    def schedule_outlasts(self) -> bool:
        """Whether the base's warm-up would not end within the budget."""
        return self.base.schedule.warmup_steps >= self.budget.steps

    def recipe(self, strategy: str) -> RecipeSettings:
        """The base with the changes of one strategy; nested settings are merged, components replaced.

        Raises:
            ConfigError: The strategy names an unknown key or a wrong value.
            UnknownNameError: ``use`` names no strategy of the catalogue.
        """
        changes = dict(self.strategies[strategy])
        where = f"{self.name}: strategies.{strategy}"
        named = strategy if strategy in CATALOG and not set(changes) - {"note"} else None
        used = changes.pop("use", named)
        if used is not None and not isinstance(used, str):
            raise ConfigError(
                f"{where}: 'use' should be the name of a strategy, but {used!r} came; see: rareseg strategies"
            )
        recipe = self.base.model_dump()
        for layer in ([] if used is None else [CATALOG[used].change, {"note": CATALOG[used].summary}]) + [
            changes
        ]:
            recipe = _merged(recipe, layer)
        return parse_settings(RecipeSettings, recipe, where=where)

    def check_takes_effect(self, strategy: str) -> None:
        """Refuse what the recipe of a strategy asks for and no step of its run would notice.

        Raises:
            ConfigError: Such as for a schedule that is longer than the run.
        """
        recipe = self.recipe(strategy)
        check_takes_effect(
            recipe.schedule,
            recipe.early_stopping,
            recipe.patch_sizes,
            steps=self.budget.steps,
            validate_every=self.record.validate_every,
            where=f"{self.name}: strategies.{strategy}",
        )


def _merged(recipe: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``recipe`` with ``changes``: tables are merged key by key, everything else is replaced."""
    merged = dict(recipe)
    for key, value in changes.items():
        if key in ("optimizer", "schedule") and isinstance(value, str):
            value = {"name": value}
        if key not in ("optimizer", "schedule", "augmentation") or not isinstance(value, Mapping):
            merged[key] = value
        elif key == "schedule" and value.get("name", merged[key]["name"]) != merged[key]["name"]:
            # The options of one schedule say nothing to another; all have the warm-up.
            merged[key] = {"warmup_steps": merged[key]["warmup_steps"], **value}
        else:
            merged[key] = {**merged[key], **value}
    return merged


def load_study_settings(path: Path) -> StudySettings:
    """Read ``study.yaml`` (or the folder that holds one); every strategy's recipe is checked too.

    Raises:
        ConfigError: The file is missing or wrong.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "study.yaml"
        ...     _ = path.write_text("{name: first, strategies: {baseline: {}, remedy: {loss: focal}}}")
        ...     settings = load_study_settings(path)
        >>> settings.recipe("remedy").loss, settings.budget.steps
        (({'name': 'focal'},), 10000)
    """
    path = Path(path)
    if path.is_dir():
        if not (path / "study.yaml").exists():
            raise ConfigError(f"'{path}' holds no study.yaml. Make one: rareseg plan '{path}/dataset.yaml'")
        path = path / "study.yaml"
    settings = load_settings(StudySettings, path)
    for name in settings.strategies:
        settings.check_takes_effect(name)
    return settings.model_copy(update={"dataset": str((path.parent / settings.dataset).resolve())})
