"""Where the pixels of each class lie: made once, so that no mask is searched while drawing patches."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rareseg.data.source import Source
from rareseg.data.splits import TrainSplit
from rareseg.errors import SizeMismatchError, SplitError
from rareseg.types import IGNORE_INDEX, Region

__all__ = ["ClassLocations"]


class _Runs(NamedTuple):
    """Stretches of equal pixels; ``start`` counts along the rows of the region, row after row."""

    region: NDArray[np.int64]
    start: NDArray[np.int64]
    length: NDArray[np.int64]


class _Encoded(NamedTuple):
    """The runs of one mask with the class of each."""

    value: NDArray[np.uint8]
    start: NDArray[np.int64]
    length: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ClassLocations:
    """Run-length index of the class pixels of all training regions; ignored pixels are in no run.

    A run may go on from the end of one row to the start of the next, so a region of background alone is one
    run. All runs are sorted by class, then region, then place, and share one running count of pixels: a pixel
    is found by one binary search, whatever the size of the data.

    Attributes:
        class_names: ``k`` names in the order of class indices.
        widths: ``(num_regions,)`` columns of each region.
        run_region: ``(num_runs,)`` number of the region.
        run_start: ``(num_runs,)`` first pixel, counted along the rows of the region.
        run_offset: ``(num_runs + 1,)`` pixels in all runs before this one.
        first_run: ``(k + 1,)`` first run of each class.
    """

    class_names: tuple[str, ...]
    widths: NDArray[np.int64]
    run_region: NDArray[np.int32]
    run_start: NDArray[np.int64]
    run_offset: NDArray[np.int64]
    first_run: NDArray[np.int64]

    @classmethod
    def build(
        cls, source: Source, split: TrainSplit, progress: Callable[[int, int], None] | None = None
    ) -> ClassLocations:
        """Read every training mask once, several at a time.

        Args:
            source: Where masks come from.
            split: The training part; any other is refused.
            progress: Called with (regions done, regions in all).

        Raises:
            SplitError: ``split`` is not the training part.
            SizeMismatchError: A mask is not of the size of its region.
            DataError: A mask cannot be read; the source says which.
        """
        if not isinstance(split, TrainSplit):
            raise SplitError(
                f"Class locations are made from the training part, but the "
                f"{split.name} part came; pass splits.train."
            )
        regions = split.regions

        def read(region: Region) -> _Encoded:
            mask = source.read_mask(region.sample, region.window)
            height, width = region.window.height, region.window.width
            if mask.shape != (height, width):
                raise SizeMismatchError(
                    f"The mask of '{region.sample}' should be {height} x {width} pixels, but came as "
                    f"{' x '.join(map(str, mask.shape))}; make mask and image the same size."
                )
            return _encode_runs(mask)

        found = []
        with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
            for number, runs in enumerate(pool.map(read, regions), start=1):
                found.append(runs)
                if progress is not None:
                    progress(number, len(regions))
        widths = np.array([region.window.width for region in regions], np.int64)
        return cls._join(found, widths, tuple(source.class_table.names))

    @classmethod
    def from_masks(cls, masks: Sequence[NDArray[np.uint8]], class_names: Sequence[str]) -> ClassLocations:
        """Index masks that are already in memory, one for each region.

        Example:
            >>> mask = np.array([[0, 1], [255, 1]], np.uint8)
            >>> locations = ClassLocations.from_masks([mask], ["good", "bad"])
            >>> locations.class_pixels.tolist(), locations.num_valid
            ([1, 2], 3)
            >>> [int(value[0]) for value in locations.pixel(1, [0.9])]
            [0, 1, 1]
        """
        widths = np.array([mask.shape[1] for mask in masks], np.int64)
        return cls._join([_encode_runs(mask) for mask in masks], widths, tuple(class_names))

    @classmethod
    def _join(
        cls, found: Sequence[_Encoded], widths: NDArray[np.int64], class_names: tuple[str, ...]
    ) -> ClassLocations:
        values = np.concatenate([np.empty(0, np.uint8), *(runs.value for runs in found)])
        starts = np.concatenate([np.empty(0, np.int64), *(runs.start for runs in found)])
        lengths = np.concatenate([np.empty(0, np.int64), *(runs.length for runs in found)])
        region = np.repeat(np.arange(len(found), dtype=np.int32), [len(runs.value) for runs in found])
        order = np.argsort(values, kind="stable")
        return cls(
            class_names=class_names,
            widths=widths,
            run_region=region[order],
            run_start=starts[order],
            run_offset=np.concatenate([[0], np.cumsum(lengths[order], dtype=np.int64)]),
            first_run=np.searchsorted(values[order], np.arange(len(class_names) + 1)).astype(np.int64),
        )

    @property
    def class_pixels(self) -> NDArray[np.int64]:
        """``(k,)`` pixels of each class."""
        return np.diff(self.run_offset[self.first_run])

    @property
    def class_regions(self) -> NDArray[np.int64]:
        """``(k,)`` regions that hold at least one pixel of the class."""
        counts = [len(np.unique(self.runs(index).region)) for index in range(len(self.class_names))]
        return np.array(counts, np.int64)

    @property
    def num_valid(self) -> int:
        """Pixels that are not ignored."""
        return int(self.run_offset[-1])

    def runs(self, class_index: int) -> _Runs:
        """Region, start and length of every run of one class, each ``(num_runs,)``."""
        part = slice(*self.first_run[class_index : class_index + 2])
        lengths = np.diff(self.run_offset)[part]
        return _Runs(self.run_region[part].astype(np.int64), self.run_start[part], lengths)

    def pixel(
        self, class_index: int | NDArray[np.int64], u: ArrayLike
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Turn uniform numbers into pixels of a class, every pixel of it equally likely.

        Args:
            class_index: One class, or ``(n,)`` a class for each number.
            u: ``(n,)`` in [0, 1).

        Returns:
            region, row, col, each ``(n,)``; row and col count from the region's corner.

        Raises:
            SplitError: The class has no training pixel.
        """
        first = self.run_offset[self.first_run[class_index]]
        pixels = self.run_offset[self.first_run[np.asarray(class_index) + 1]] - first
        if np.any(pixels == 0):
            index = int(np.broadcast_to(class_index, np.shape(pixels))[pixels == 0].flat[0])
            name = self.class_names[index]
            raise SplitError(
                f"Class '{name}' should have training pixels to draw from, but has none; change the split."
            )
        # u is at most 1 - 2**-53, so the product rounds to below ``pixels`` for every count.
        target = first + np.floor(np.asarray(u) * pixels).astype(np.int64)
        run = np.searchsorted(self.run_offset, target, side="right") - 1
        region = self.run_region[run].astype(np.int64)
        row, col = np.divmod(self.run_start[run] + target - self.run_offset[run], self.widths[region])
        return region, row, col


def _encode_runs(mask: NDArray[np.uint8]) -> _Encoded:
    """Value, start and length of the stretches of equal pixels in reading order, without ignored ones."""
    flat = np.ascontiguousarray(mask).ravel()
    starts = np.flatnonzero(np.concatenate([[flat.size > 0], flat[1:] != flat[:-1]]))
    lengths = np.diff(starts, append=flat.size)
    values = flat[starts]
    valid = values != IGNORE_INDEX
    return _Encoded(values[valid], starts[valid], lengths[valid])
