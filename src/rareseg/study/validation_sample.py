"""A fixed few validation regions for the scores that training logs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rareseg.config.study import StudySettings
from rareseg.data.splits import ValSplit
from rareseg.types import Region

__all__ = ["validation_sample"]


def validation_sample(
    split: ValSplit,
    pixels: Mapping[Region, NDArray[np.int64]],
    train_pixels: NDArray[np.int64],
    settings: StudySettings,
) -> tuple[Region, ...]:
    """Validation regions up to the size that the study allows, class by class in turn, the rarest class first.

    Args:
        split: Where to choose from.
        pixels: Class pixels ``(k + 1,)`` of every region.
        train_pixels: Class pixels ``(k,)`` of the train split, which say how rare a class is.
        settings: The study; without ``validate_megapixels`` the sample is a fiftieth of what training reads.
    """
    counts = np.array([pixels[region][:-1] for region in split.regions], dtype=float)
    rarity = 1 / np.maximum(train_pixels.astype(float), 1)
    rarity[int(np.argmax(train_pixels))] = 0
    order = np.argsort(-((counts > 0) * rarity).max(axis=1), kind="stable")
    budget, wish = settings.budget, settings.record.validate_megapixels
    trained = budget.steps * budget.batch_size * budget.patch_size[0] * budget.patch_size[1]
    limit = wish * 1e6 if wish else max(2.5e5, trained / 50)
    chosen: list[Region] = []
    area = 0.0
    for index in _round_robin(order, counts, rarity):
        region = split.regions[index]
        if not chosen or area + region.window.area <= limit:
            chosen.append(region)
            area += region.window.area
    return tuple(chosen)


def _round_robin(
    order: NDArray[np.int64], counts: NDArray[np.float64], rarity: NDArray[np.float64]
) -> list[int]:
    """Images class by class in turn, rarest class first, then the rest."""
    queues = [[int(i) for i in order if counts[i, c] > 0] for c in np.argsort(-rarity) if rarity[c] > 0]
    queues.append([int(i) for i in order])
    taken: dict[int, None] = {}
    for depth in range(len(order)):
        for queue in queues:
            if depth < len(queue):
                taken.setdefault(queue[depth])
    return list(taken)
