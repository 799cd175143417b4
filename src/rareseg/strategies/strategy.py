"""A strategy: a frozen composition of head, sampling, loss, phases, model and decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from rareseg.config.recipe import (
    EarlyStoppingSettings,
    OptimizerSettings,
    PatchSizesSettings,
    PhaseSettings,
    RecipeSettings,
    ScheduleSettings,
)

__all__ = ["Phase", "Strategy"]


@dataclass(frozen=True)
class Phase:
    """Training from step ``start`` to before ``end`` with one loss, one sampling plan and one learning rate."""

    start: int
    end: int
    loss: tuple[Mapping[str, Any], ...]
    sampling: Mapping[str, Any]
    lr: float


@dataclass(frozen=True)
class Strategy:
    """One remedy for imbalance, as data. Two strategies that differ in one field differ in one thing.

    Example:
        >>> from rareseg.config.recipe import RecipeSettings
        >>> Strategy.from_recipe("plain", RecipeSettings()).loss
        ({'name': 'cross_entropy'},)
    """

    name: str
    head: Mapping[str, Any]
    sampling: Mapping[str, Any]
    loss: tuple[Mapping[str, Any], ...]
    phases: tuple[PhaseSettings, ...]
    model: Mapping[str, Any]
    decision: Mapping[str, Any]
    augmentation: Mapping[str, Any] = field(default_factory=dict)
    patch_sizes: PatchSizesSettings | None = None
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    clip_gradient: float | None = None
    ema: float | None = None
    early_stopping: EarlyStoppingSettings | None = None
    weights: Literal["last", "best"] = "last"
    note: str = ""

    @classmethod
    def from_recipe(cls, name: str, recipe: RecipeSettings) -> Strategy:
        """Name a recipe."""
        return cls(name=name, **{key: getattr(recipe, key) for key in type(recipe).model_fields})

    def phases_of(self, steps: int) -> tuple[Phase, ...]:
        """The phases laid out over ``steps`` optimizer steps; one phase where the recipe names none."""
        if not self.phases:
            return (Phase(0, steps, self.loss, self.sampling, self.optimizer.lr),)
        ends, total = [], 0.0
        for phase in self.phases:
            total += phase.share
            ends.append(min(steps, round(total * steps)))
        ends[-1] = steps
        return tuple(
            Phase(
                start,
                end,
                phase.loss or self.loss,
                phase.sampling or self.sampling,
                phase.lr or self.optimizer.lr,
            )
            for start, end, phase in zip([0, *ends[:-1]], ends, self.phases, strict=True)
        )
