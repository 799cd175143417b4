"""Mean and deviation of each band over the training split: what images are normalised by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import DataError
from rareseg.inspection.band_sums import BandSums
from rareseg.inspection.strips import strips
from rareseg.inspection.thread_map import Progress, thread_map
from rareseg.types import Region

if TYPE_CHECKING:
    from rareseg.data.source import Source
    from rareseg.data.splits import TrainSplit

__all__ = ["band_statistics"]


def band_statistics(
    source: Source, split: TrainSplit, *, progress: Progress | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of every band, in the unit of the files; NaN and infinity do not count.

    Images are read strip by strip, so size does not matter.

    Args:
        source: Where images come from.
        split: The training part; no other part can be passed.
        progress: Told after each region.

    Returns:
        Mean ``(c,)`` and population standard deviation ``(c,)``, float64; the deviation of a constant band
        is 0.

    Raises:
        DataError: A band holds no finite value, or an image cannot be read.
    """

    def gather(region: Region) -> BandSums:
        parts = strips(region.window, num_bands=source.num_bands)
        return BandSums.all_of(
            (BandSums.of(source.read_image(region.sample, part)) for part in parts), source.num_bands
        )

    sums = BandSums.all_of(thread_map(gather, split.regions, progress=progress), source.num_bands)
    empty = np.flatnonzero(sums.number == 0)
    if len(empty):
        raise DataError(
            f"Band {empty[0]} has no finite value in the training images, so it cannot be normalised."
            " Leave it out: set 'bands' in dataset.yaml."
        )
    return sums.mean, sums.std
