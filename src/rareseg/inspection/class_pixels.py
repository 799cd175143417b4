"""Pixels of each class in the training split: what class weights are computed from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rareseg.inspection.thread_map import Progress, thread_map
from rareseg.types import IGNORE_INDEX, Region

if TYPE_CHECKING:
    from rareseg.data.source import Source
    from rareseg.data.splits import TrainSplit

__all__ = ["class_pixels"]


def class_pixels(source: Source, split: TrainSplit, *, progress: Progress | None = None) -> NDArray[np.int64]:
    """Count the training pixels of every class; ignored pixels count nowhere.

    Args:
        source: Where masks come from.
        split: The training part; no other part can be passed.
        progress: Told after each region.

    Returns:
        ``(k,)`` pixels in the order of class indices.

    Raises:
        DataError: A mask cannot be read; the source says which.
    """
    num_classes = source.class_table.num_classes

    def count(region: Region) -> NDArray[np.int64]:
        mask = source.read_mask(region.sample, region.window)
        return np.bincount(mask.ravel(), minlength=IGNORE_INDEX + 1)[:num_classes].astype(np.int64)

    counts = thread_map(count, split.regions, progress=progress)
    return np.sum(counts, axis=0, dtype=np.int64) if counts else np.zeros(num_classes, np.int64)
