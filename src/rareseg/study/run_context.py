"""What all runs of a study share, and the check of a strategy against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from rareseg.config.study import StudySettings
from rareseg.data.source import Source
from rareseg.data.splits import Splits, TestSplit, ValSplit
from rareseg.errors import OptionError
from rareseg.inference.decision import build_decision
from rareseg.losses.terms import build_loss
from rareseg.models.build import build_model
from rareseg.sampling.plans import build_plan
from rareseg.strategies.heads import build_head
from rareseg.strategies.strategy import Strategy
from rareseg.study.progress import Progress
from rareseg.training.augmentation import AugmentationSettings
from rareseg.training.train import TrainingData
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
    bands: tuple[int, ...] | None
    pixels: Mapping[Region, NDArray[np.int64]]
    device: str
    num_workers: int
    progress: Progress

    def check(self, strategy: Strategy) -> None:
        """Build every part of a strategy once, so that mistakes show before anything is trained.

        Raises:
            ConfigError: A name or an option is wrong.
        """
        names, budget = self.training.class_names, self.settings.budget
        head = build_head(strategy.head)
        build_decision(strategy.decision)
        AugmentationSettings.parse(strategy.augmentation, patch_size=budget.patch_size)
        if strategy.schedule.warmup_steps >= budget.steps:
            raise OptionError(
                f"{strategy.name}: schedule.warmup_steps is {strategy.schedule.warmup_steps}, but the run has only "
                f"{budget.steps} steps; shorten the warm-up."
            )
        with torch.device("meta"):
            build_model(
                strategy.model, in_channels=self.source.num_bands, num_classes=head.num_outputs(len(names))
            )
        for phase in strategy.phases_of(budget.steps):
            build_loss(phase.loss, class_pixels=self.training.class_pixels.tolist(), class_names=names)
            build_plan(
                phase.sampling,
                regions=self.training.store.regions,
                locations=self.training.locations,
                patch_size=budget.patch_size,
                class_names=names,
            )
