"""The score of a few validation regions that the log shows while training."""

from __future__ import annotations

import numpy as np

from rareseg.data.source import Source
from rareseg.inference.judge import Judge, reader_of
from rareseg.metrics.counts import confusion_counts
from rareseg.types import Region

__all__ = ["quick_score"]


def quick_score(
    judge: Judge, source: Source, regions: tuple[Region, ...], *, num_classes: int, majority: int
) -> float:
    """Mean pooled Dice of all classes but the majority, over a few validation regions.

    Classes that these regions neither hold nor are predicted in do not count; NaN where none counts.
    """
    total = np.zeros((num_classes, 4), np.int64)
    for region in regions:
        labels = judge.labels(reader_of(source, region), region.window.height, region.window.width)
        total += confusion_counts(source.read_mask(region.sample, region.window), labels, num_classes)
    tp, fp, fn = (total[:, column].astype(float) for column in range(3))
    with np.errstate(invalid="ignore", divide="ignore"):
        dice = 2 * tp / (2 * tp + fp + fn)
    dice[majority] = np.nan
    return float(np.nanmean(dice)) if np.isfinite(dice).any() else float("nan")
