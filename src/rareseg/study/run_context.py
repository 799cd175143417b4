"""What all runs of a study share, and the check of a strategy against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from rareseg.config.study import BudgetSettings, RecordSettings, StudySettings
from rareseg.config.takes_effect import check_takes_effect
from rareseg.data.image_reading import ImageReading
from rareseg.data.source import Source
from rareseg.data.splits import Splits, TestSplit, ValSplit
from rareseg.errors import OptionError, RaresegError
from rareseg.inference.decision import build_decision
from rareseg.strategies.build_core import build_core
from rareseg.strategies.heads import build_head
from rareseg.strategies.strategy import Strategy
from rareseg.study.check_model import check_model
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

    def check(self, strategy: Strategy) -> tuple[str, ...]:
        """Build every part of a strategy once, so that mistakes show before anything is trained.

        Returns:
            What the user should know about the model and the sizes of the images, see `check_model`.

        Raises:
            RaresegError: A name or an option is wrong; the message names the strategy.
        """
        try:
            return self._check(strategy)
        except RaresegError as error:
            error.args = (f"strategies.{strategy.name}: {error}",)
            raise

    def _check(self, strategy: Strategy) -> tuple[str, ...]:
        budget = self.budget_of(strategy)
        build_decision(strategy.decision, class_names=self.training.class_names)
        check_takes_effect(
            strategy.schedule,
            strategy.early_stopping,
            strategy.patch_sizes,
            steps=budget.steps,
            validate_every=self.settings.record.validate_every,
            where="at run time",
        )
        if strategy.schedule.warmup_steps >= budget.steps:
            raise OptionError(
                f"schedule.warmup_steps is {strategy.schedule.warmup_steps}, but the run has only "
                f"{budget.steps} steps; shorten the warm-up."
            )
        with torch.device("meta"):
            core = build_core(strategy.head, strategy.model, self.source.num_bands, self.training.class_names)
        parts = lay_out(strategy, self.training, seed=0, budget=budget)
        return check_model(
            core,
            patch_sizes=[plan.patch_size for part in parts for _, plan in part.plans],
            batch_size=budget.batch_size,
            image_sizes=[
                (region.window.height, region.window.width) for part in self.judged for region in part.regions
            ],
            whole_megapixels=self.settings.whole_megapixels,
        )

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
