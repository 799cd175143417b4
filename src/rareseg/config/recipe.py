"""A recipe: everything that a strategy is composed of, as ``study.yaml`` gives it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from rareseg.config.load import Settings

__all__ = [
    "EarlyStoppingSettings",
    "OptimizerSettings",
    "PatchSize",
    "PatchSizesSettings",
    "PhaseSettings",
    "RecipeSettings",
    "ScheduleSettings",
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
PatchSize = Annotated[tuple[Side, Side], BeforeValidator(_pair)]
"""Rows and columns of a patch in pixels; one number for a square."""


class OptimizerSettings(Settings):
    """What turns gradients into steps."""

    name: Literal["adamw", "adam", "sgd"] = "adamw"
    """sgd uses Nesterov momentum."""
    lr: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-5, ge=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """For sgd only."""

    @model_validator(mode="after")
    def _momentum_is_of_sgd(self) -> Self:
        if "momentum" in self.model_fields_set and self.momentum != 0.9 and self.name != "sgd":
            raise ValueError(f"'momentum' has no effect on '{self.name}'; leave it out or choose sgd")
        return self


class ScheduleSettings(Settings):
    """Learning rate over the run, as a factor of ``optimizer.lr``."""

    name: Literal["constant", "cosine", "polynomial", "step", "plateau"] = "constant"
    """polynomial falls with power 0.9 to 0, cosine along half a period to 0; step multiplies the rate by
    ``factor`` every ``every`` steps, plateau after ``patience`` validations without a better score."""
    warmup_steps: int = Field(default=0, ge=0)
    """Steps over which the rate rises linearly from 0."""
    every: int | None = Field(default=None, ge=1)
    """For step: optimizer steps between two falls."""
    factor: float = Field(default=0.1, gt=0, lt=1)
    """For step and plateau: what the rate is multiplied by at each fall."""
    patience: int = Field(default=3, ge=1)
    """For plateau: validations in a row without a better score before the rate falls."""
    min_delta: float = Field(default=0.0, ge=0)
    """For plateau: smallest rise of the validation score that counts as better."""
    least: float = Field(default=0.0, ge=0, lt=1)
    """For step and plateau: smallest factor that the falls may come to."""

    @model_validator(mode="after")
    def _options_take_effect(self) -> Self:
        owners = {
            "every": ("step",),
            "factor": ("step", "plateau"),
            "patience": ("plateau",),
            "min_delta": ("plateau",),
            "least": ("step", "plateau"),
        }
        for option, names in owners.items():
            changed = getattr(self, option) != type(self).model_fields[option].default
            if changed and self.name not in names:
                raise ValueError(
                    f"'{option}' has no effect on '{self.name}'; it is for {' and '.join(names)}"
                )
        if self.name == "step" and self.every is None:
            raise ValueError("the schedule 'step' needs 'every', the optimizer steps between two falls")
        return self


class EarlyStoppingSettings(Settings):
    """End training when the validation score rises no more."""

    patience: int = Field(default=3, ge=1)
    """Validations in a row without a better score after which training ends."""
    min_delta: float = Field(default=0.0, ge=0)
    """Smallest rise of the validation score that counts as better."""


class PatchSizesSettings(Settings):
    """Several patch sizes in turn, instead of the budget's one."""

    sizes: tuple[PatchSize, ...] = Field(min_length=2)
    """Rows and columns of each, in the order of their turns."""
    every: int = Field(ge=1)
    """Optimizer steps of one turn."""


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
    """Random changes of the batch, see the table of augmentations in docs/formats.md."""
    patch_sizes: PatchSizesSettings | None = None
    """Patch sizes in turn; null for the budget's one. The report shows the pixels that training really saw."""
    optimizer: Annotated[OptimizerSettings, BeforeValidator(_named)] = OptimizerSettings()
    schedule: Annotated[ScheduleSettings, BeforeValidator(_named)] = ScheduleSettings()
    clip_gradient: float | None = Field(default=None, gt=0)
    """Largest norm of the gradient of each separately trained model; null for no clipping."""
    ema: float | None = Field(default=None, gt=0, lt=1)
    """Judge an exponential moving average of the weights with this decay a step (arXiv 1703.01780) instead of the
    weights of the last step; null for none."""
    early_stopping: EarlyStoppingSettings | None = None
    """Ends training before the budget does; null for the whole budget."""
    weights: Literal["last", "best"] = "last"
    """Which weights are judged: of the last step, or of the step with the best validation score in log.csv."""
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
