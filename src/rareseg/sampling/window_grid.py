"""All windows of one size on a grid over the training regions, with the class pixels of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rareseg.sampling.integral_counts import IntegralCounts

__all__ = ["WindowGrid", "num_grid_windows", "window_grid"]


@dataclass(frozen=True, eq=False)
class WindowGrid:
    """``n`` windows of one size, sorted by region, row and column.

    Attributes:
        region: ``(n,)`` number of the region.
        row: ``(n,)`` first row, counted from the region's own corner; negative where the region is smaller.
        col: ``(n,)`` first column.
        counts: ``(n, k)`` pixels of each class that training sees in the window.
    """

    region: NDArray[np.int64]
    row: NDArray[np.int64]
    col: NDArray[np.int64]
    counts: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.region)

    def select(self, keep: NDArray[np.bool_] | NDArray[np.int64]) -> WindowGrid:
        """Some of the windows, by a mask or by their numbers."""
        return WindowGrid(self.region[keep], self.row[keep], self.col[keep], self.counts[keep])


def window_grid(
    counts: IntegralCounts,
    *,
    patch_size: tuple[int, int],
    stride: tuple[int, int],
    holding: Sequence[int] | None = None,
) -> WindowGrid:
    """Count every class in every window of a grid.

    Along an axis windows stand at multiples of the stride, and one more at the region's end, so every pixel is
    in some window. Where the region is smaller than the window there is one place, which holds all of it in the
    middle.

    Regions are counted one after the other and only the windows asked for are kept: at most ``24 + 4 * k``
    bytes a window, besides what `IntegralCounts` needs for the largest region.

    Args:
        counts: Class pixels of the regions.
        patch_size: Rows and columns of a window.
        stride: Rows and columns from one window to the next.
        holding: Keep only windows that hold a pixel of at least one of these classes; None keeps all.

    Example:
        >>> from rareseg.sampling.class_locations import ClassLocations
        >>> from rareseg.types import Region, Window
        >>> locations = ClassLocations.from_masks([np.eye(5, dtype=np.uint8)], ["good", "bad"])
        >>> integral = IntegralCounts(locations, [Region("a", Window(0, 0, 5, 5))])
        >>> grid = window_grid(integral, patch_size=(2, 2), stride=(2, 2), holding=[1])
        >>> grid.row.tolist(), grid.col.tolist(), grid.counts[:, 1].tolist()
        ([0, 2, 2, 3, 3], [0, 2, 3, 2, 3], [2, 2, 1, 1, 2])
    """
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]] = []
    for region, size in enumerate(counts.sizes.tolist()):
        places = [_places(*axis) for axis in zip(size, patch_size, stride, strict=True)]
        edges, numbers = zip(
            *(
                np.unique(np.clip([first, first + side], 0, length), return_inverse=True)
                for first, side, length in zip(places, patch_size, size, strict=True)
            ),
            strict=True,
        )
        table = counts.table(region, *edges)
        top, bottom = numbers[0].reshape(2, -1)
        left, right = numbers[1].reshape(2, -1)
        lines = table[bottom] - table[top]
        # A patch of 2**31 pixels would fit no batch.
        cells = (lines[:, right] - lines[:, left]).astype(np.int32)
        keep = (
            np.ones(cells.shape[:2], np.bool_) if holding is None else cells[:, :, list(holding)].any(axis=2)
        )
        row, col = np.nonzero(keep)
        found.append((np.full(len(row), region), places[0][row], places[1][col], cells[keep]))
    return WindowGrid(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def num_grid_windows(counts: IntegralCounts, *, patch_size: tuple[int, int], stride: tuple[int, int]) -> int:
    """How many windows the grid has before any is left out."""
    spare = np.maximum(counts.sizes - np.array(patch_size), 0)
    return int((1 - (-spare // np.array(stride))).prod(axis=1).sum())


def _places(length: int, side: int, stride: int) -> NDArray[np.int64]:
    """First rows or columns of the windows along one axis."""
    spare = length - side
    if spare <= 0:
        return np.array([spare // 2], np.int64)
    return np.append(np.arange(0, spare, stride, dtype=np.int64), spare)
