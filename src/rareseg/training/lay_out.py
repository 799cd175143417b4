"""A strategy laid out over the steps of a run: for each part its phases, losses and patches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from rareseg.config.study import BudgetSettings
from rareseg.data.store import PixelStore
from rareseg.losses.terms import build_loss
from rareseg.sampling.alternating_stream import AlternatingStream
from rareseg.sampling.class_locations import ClassLocations
from rareseg.sampling.plan import Plan
from rareseg.sampling.plans import build_plan
from rareseg.sampling.seeds import derive_seed
from rareseg.sampling.stream import PatchStream
from rareseg.strategies.head import Part
from rareseg.strategies.heads import build_head
from rareseg.strategies.strategy import Phase, Strategy
from rareseg.training.augmentation import AugmentationSettings
from rareseg.training.copy_paste_settings import donor_sampling
from rareseg.training.gate_loss import GateLoss
from rareseg.training.patch_data import Batches, PasteFeed, PatchFeed

__all__ = ["LaidOutPart", "TrainingData", "lay_out"]


@dataclass(frozen=True)
class TrainingData:
    """What training may see: pixels and class locations of the train split only."""

    store: PixelStore
    locations: ClassLocations
    class_names: tuple[str, ...]

    @property
    def class_pixels(self) -> NDArray[np.int64]:
        """Pixels of each class in the train split, ``(k,)``."""
        return self.locations.class_pixels


@dataclass(frozen=True)
class LaidOutPart:
    """One part of a strategy, ready to be trained.

    Attributes:
        part: What it is.
        phases: Its stretches of training, in order.
        losses: One a phase, from the part's outputs and masks to a `LossValue`.
        feed: Its patches by step.
        augmentation: How its patches are changed.
        plans: One a phase and patch size, with the share of the run's patches that each draws.
    """

    part: Part
    phases: tuple[Phase, ...]
    losses: tuple[nn.Module, ...]
    feed: PatchFeed
    augmentation: AugmentationSettings
    plans: tuple[tuple[float, Plan], ...]


def lay_out(
    strategy: Strategy, data: TrainingData, *, seed: int, budget: BudgetSettings
) -> tuple[LaidOutPart, ...]:
    """Build every loss and plan of a strategy; all that can be wrong with it shows here.

    Parts with the same plan see the same patches, and so do strategies with the same plan: seeds of patches depend
    on the run's seed alone, but for a gate, which has its own.

    Args:
        strategy: What to lay out.
        data: The train split.
        seed: Seed of the run.
        budget: Steps, batch size and patch size of this run.

    Raises:
        ConfigError: A name or an option is wrong.
        SplitError: A class that a plan needs has no training pixel.
    """
    head = build_head(strategy.head)
    return tuple(
        _lay_out_part(strategy, part, data, seed=seed, budget=budget) for part in head.parts(data.class_names)
    )


def _lay_out_part(
    strategy: Strategy, part: Part, data: TrainingData, *, seed: int, budget: BudgetSettings
) -> LaidOutPart:
    sizes, every = _patch_sizes(strategy, part, budget)
    phases = _phases(strategy, part, budget.steps)
    losses: list[nn.Module] = []
    streams: list[tuple[int, Batches]] = []
    plans: list[tuple[float, Plan]] = []
    augmentation = _augmentation(strategy, data, sizes)
    purpose = "gate patches" if part.gate else "patches"
    for phase in phases:
        losses.append(_loss(phase, part, data))
        built = [_plan(phase.sampling, part, data, size, budget) for size in sizes]
        plans += [((phase.end - phase.start) / budget.steps / len(built), plan) for plan in built]
        streams.append((phase.end, _stream(built, every, derive_seed(seed, purpose), budget.batch_size)))
    paste = None
    if augmentation.copy_paste is not None:
        given = donor_sampling(augmentation.copy_paste, data.class_names)
        built = [_plan(given, part, data, size, budget) for size in sizes]
        donors = _stream(built, every, derive_seed(seed, "donors"), budget.batch_size)
        paste = PasteFeed(donors, augmentation.copy_paste, seed)
    return LaidOutPart(
        part=part,
        phases=phases,
        losses=tuple(losses),
        feed=PatchFeed(tuple(streams), paste),
        augmentation=augmentation,
        plans=tuple(plans),
    )


def _phases(strategy: Strategy, part: Part, steps: int) -> tuple[Phase, ...]:
    if part.gate is None:
        return strategy.phases_of(steps)
    return (Phase(0, steps, (), part.gate.sampling, strategy.optimizer.lr),)


def _patch_sizes(
    strategy: Strategy, part: Part, budget: BudgetSettings
) -> tuple[tuple[tuple[int, int], ...], int]:
    """The sizes of a part's patches and the steps of one turn."""
    if part.gate is not None:
        return (part.gate.patch_size or budget.patch_size,), 1
    turns = strategy.patch_sizes
    return ((budget.patch_size,), 1) if turns is None else (turns.sizes, turns.every)


def _augmentation(
    strategy: Strategy, data: TrainingData, sizes: tuple[tuple[int, int], ...]
) -> AugmentationSettings:
    """Checked against every patch size."""
    *_, parsed = (
        AugmentationSettings.parse(
            strategy.augmentation,
            patch_size=size,
            class_names=data.class_names,
            class_pixels=data.class_pixels,
        )
        for size in sizes
    )
    return parsed


def _loss(phase: Phase, part: Part, data: TrainingData) -> nn.Module:
    if part.gate is not None:
        return GateLoss()
    return build_loss(
        phase.loss,
        class_pixels=data.class_pixels.tolist(),
        class_names=data.class_names,
        activation=part.activation,
        positive_classes=part.positive_classes,
    )


def _plan(
    settings: Mapping[str, Any],
    part: Part,
    data: TrainingData,
    patch_size: tuple[int, int],
    budget: BudgetSettings,
) -> Plan:
    single = part.positive_classes if part.positive_classes and len(part.positive_classes) == 1 else None
    return build_plan(
        settings,
        regions=data.store.regions,
        locations=data.locations,
        patch_size=patch_size,
        class_names=data.class_names,
        num_patches=budget.steps * budget.batch_size,
        batch_size=budget.batch_size,
        positive_class=single[0] if single else None,
        read_pixels=lambda index: data.store.read_region(index)[0],
    )


def _stream(plans: list[Plan], every: int, seed: int, batch_size: int) -> Batches:
    streams = [PatchStream(plan, seed=seed, batch_size=batch_size) for plan in plans]
    return streams[0] if len(streams) == 1 else AlternatingStream(streams, every=every)
