"""``study.yaml``: one base recipe, named changes to it, one budget, several seeds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from rareseg.config.dataset import SplitSettings
from rareseg.config.load import Settings, load_settings, parse_settings
from rareseg.errors import ConfigError

__all__ = [
    "BudgetSettings",
    "OptimizerSettings",
    "PhaseSettings",
    "RecipeSettings",
    "ScheduleSettings",
    "StudySettings",
    "load_study_settings",
]


def _named(value: Any) -> Any:
    """``focal`` is short for ``{name: focal}``."""
    return {"name": value} if isinstance(value, str) else value


def _term_list(value: Any) -> Any:
    """One loss term is short for a list of one."""
    return [_named(item) for item in (value if isinstance(value, list | tuple) else [value])]


def _pair(value: Any) -> Any:
    """``256`` is short for ``[256, 256]``."""
    return (value, value) if isinstance(value, int) else value


def _check_named(value: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(value.get("name"), str):
        raise ValueError("give a name, either alone ('focal') or as a key ('{name: focal, gamma: 2}')")
    return value


Component = Annotated[dict[str, Any], BeforeValidator(_named)]
Terms = Annotated[tuple[dict[str, Any], ...], BeforeValidator(_term_list)]
Side = Annotated[int, Field(ge=16, le=4096)]


class OptimizerSettings(Settings):
    """What turns gradients into steps."""

    name: Literal["adamw", "adam", "sgd"] = "adamw"
    """sgd uses Nesterov momentum 0.9."""
    lr: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-5, ge=0)


class ScheduleSettings(Settings):
    """Learning rate over the run, as a factor of ``optimizer.lr``."""

    name: Literal["constant", "cosine", "polynomial"] = "constant"
    """polynomial falls with power 0.9 to 0, cosine along half a period to 0."""
    warmup_steps: int = Field(default=0, ge=0)
    """Steps over which the rate rises linearly from 0."""


class PhaseSettings(Settings):
    """A stretch of training with its own loss, sampling or learning rate."""

    share: float = Field(gt=0, le=1)
    """Share of the steps; the phases of a recipe sum to 1."""
    loss: Terms | None = None
    sampling: Component | None = None
    lr: float | None = Field(default=None, gt=0)


class RecipeSettings(Settings):
    """Everything a strategy is composed of. A study's base is one; a strategy names what it changes."""

    head: Component = {"name": "softmax"}
    sampling: Component = {"name": "uniform"}
    loss: Terms = ({"name": "cross_entropy"},)
    phases: tuple[PhaseSettings, ...] = ()
    model: Component = {"name": "unet"}
    decision: Component = {"name": "argmax"}
    augmentation: dict[str, Any] = {}
    """Random changes of the batch: flips, quarter_turns (true or false), brightness, contrast, noise (strength)."""
    optimizer: OptimizerSettings = OptimizerSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    clip_gradient: float | None = Field(default=None, gt=0)
    """Largest norm of the gradient; null for no clipping."""
    note: str = ""
    """A line for the report."""

    @field_validator("head", "sampling", "model", "decision")
    @classmethod
    def _has_name(cls, value: dict[str, Any]) -> dict[str, Any]:
        return _check_named(value)

    @field_validator("loss")
    @classmethod
    def _terms_have_names(cls, value: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        return tuple(_check_named(term) for term in value)

    @model_validator(mode="after")
    def _phases_sum(self) -> Self:
        if self.phases and abs(sum(phase.share for phase in self.phases) - 1) > 1e-6:
            raise ValueError("the shares of 'phases' must sum to 1")
        return self


class BudgetSettings(Settings):
    """What every strategy may spend: the same for all, so that they can be compared."""

    steps: int = Field(default=10_000, ge=1)
    """Optimizer steps."""
    batch_size: int = Field(default=16, ge=1)
    patch_size: Annotated[tuple[Side, Side], BeforeValidator(_pair)] = (256, 256)
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
    base: RecipeSettings = RecipeSettings()
    strategies: dict[str, dict[str, Any]] = Field(min_length=1)
    """Name of the strategy: what it changes in the base."""

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
        """
        base = self.base.model_dump()
        for key, value in self.strategies[strategy].items():
            if key in ("optimizer", "schedule", "augmentation") and isinstance(value, Mapping):
                base[key] = {**base[key], **value}
            else:
                base[key] = value
        return parse_settings(RecipeSettings, base, where=f"{self.name}: strategies.{strategy}")


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
        settings.recipe(name)
    return settings.model_copy(update={"dataset": str((path.parent / settings.dataset).resolve())})
