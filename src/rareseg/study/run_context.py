"""What all runs of a study share, and the check of a strategy against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from rareseg.config.study import BudgetSettings, RecordSettings, StudySettings
from rareseg.data.image_reading import ImageReading
from rareseg.data.source import Source
from rareseg.data.splits import Splits, TestSplit, ValSplit
from rareseg.errors import OptionError, RaresegError
from rareseg.inference.decision import build_decision
from rareseg.strategies.build_core import build_core
from rareseg.strategies.heads import build_head
from rareseg.strategies.strategy import Strategy
from rareseg.study.progress import Progress
from rareseg.training.lay_out import TrainingData, lay_out
from rareseg.types import Region

__all__ = ["RunContext"]


@dataclass(frozen=True)
class RunContext:
    """What all runs of a study share."""

    settings: StudySettings
    source: Source
    splits: Splits
    judged: tuple[ValSplit | TestSplit, ...]
    training: TrainingData
    mean: tuple[float, ...]
    std: tuple[float, ...]
    reading: ImageReading
    pixels: Mapping[Region, NDArray[np.int64]]
    device: str
    num_workers: int
    progress: Progress

    def check(self, strategy: Strategy) -> None:
        """Build every part of a strategy once, so that mistakes show before anything is trained.

        Raises:
            RaresegError: A name or an option is wrong; the message names the strategy.
        """
        try:
            self._check(strategy)
        except RaresegError as error:
            error.args = (f"strategies.{strategy.name}: {error}",)
            raise

    def _check(self, strategy: Strategy) -> None:
        budget = self.budget_of(strategy)
        build_decision(strategy.decision)
        if strategy.schedule.warmup_steps >= budget.steps:
            raise OptionError(
                f"schedule.warmup_steps is {strategy.schedule.warmup_steps}, but the run has only "
                f"{budget.steps} steps; shorten the warm-up."
            )
        with torch.device("meta"):
            build_core(strategy.head, strategy.model, self.source.num_bands, self.training.class_names)
        lay_out(strategy, self.training, seed=0, budget=budget)

    def budget_of(self, strategy: Strategy) -> BudgetSettings:
        """The budget of one run: the study's, with fewer steps where several models share them."""
        steps = build_head(strategy.head).steps(
            self.settings.budget.steps, num_classes=len(self.training.class_names)
        )
        return self.settings.budget.model_copy(update={"steps": steps})

    def record_of(self, strategy: Strategy) -> RecordSettings:
        """What one run writes: kept steps move with the end of the run."""
        record = self.settings.record
        share = self.budget_of(strategy).steps / self.settings.budget.steps
        kept = {max(1, round(step * share)) for step in record.checkpoint_steps}
        return record.model_copy(update={"checkpoint_steps": tuple(sorted(kept))})
