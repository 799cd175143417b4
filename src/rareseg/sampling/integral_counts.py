"""Class pixels of any window, from the ends of the runs of `ClassLocations`: no mask is read or drawn again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rareseg.sampling.class_locations import ClassLocations
from rareseg.types import Region

__all__ = ["IntegralCounts"]

_WINDOWS_AT_ONCE = 256


class IntegralCounts:
    """Summed-area tables of every class, made only at the edges that are asked for.

    The table of a region says for an edge ``(R, C)`` how many pixels of a class lie above row ``R`` and left of
    column ``C``; four of its values give a window. Of a run that ends before pixel ``(r, c)`` in reading order,
    ``min(r, R) * C + [r < R] * min(c, C)`` pixels do so, and of one that starts there as many do not. Hence a
    table is two histograms of the ends of runs over the cells between the edges, summed up: its cost is the
    number of runs plus the number of edges, whatever the number of pixels.

    A window that reaches outside its region counts what is inside: `PixelStore` mirrors the rest and marks it
    as ignored. Counts are therefore those of the mask that training sees.

    Memory: 17 bytes a run for good; ``8 * k`` bytes a cell, a few times, for one region while it is counted.

    Args:
        locations: Class pixels of the regions.
        regions: The regions, in the order of ``locations``.

    Example:
        >>> from rareseg.types import Window
        >>> mask = np.array([[0, 1, 1], [0, 0, 1], [255, 1, 0]], np.uint8)
        >>> locations = ClassLocations.from_masks([mask], ["good", "bad"])
        >>> counts = IntegralCounts(locations, [Region("a", Window(0, 0, 3, 3))])
        >>> counts.counts(0, rows=[0, 1], cols=[1, -1], height=2, width=2).tolist()
        [[1, 3], [1, 0]]
    """

    def __init__(self, locations: ClassLocations, regions: Sequence[Region]) -> None:
        self.num_classes = len(locations.class_names)
        self.sizes = np.array([region.window[2:] for region in regions], np.int64).reshape(-1, 2)
        value = np.repeat(np.arange(self.num_classes, dtype=np.uint8), np.diff(locations.first_run))
        order = np.argsort(locations.run_region, kind="stable")
        self._value = value[order]
        self._start = locations.run_start[order]
        self._length = np.diff(locations.run_offset)[order]
        self._first = np.searchsorted(locations.run_region[order], np.arange(len(regions) + 1))

    def table(self, region: int, row_edges: ArrayLike, col_edges: ArrayLike) -> NDArray[np.int64]:
        """Pixels above each row edge and left of each column edge, ``(num_rows, num_cols, k)``.

        Args:
            region: Number of the region.
            row_edges: ``(num_rows,)`` rising, from 0 to the region's height.
            col_edges: ``(num_cols,)`` rising, from 0 to the region's width.
        """
        rows, cols = np.asarray(row_edges, np.int64), np.asarray(col_edges, np.int64)
        height, width = self.sizes[region]
        part = slice(*self._first[region : region + 2])
        ends = np.concatenate([self._start[part], self._start[part] + self._length[part]])
        sign = np.repeat([-1.0, 1.0], len(ends) // 2)
        row, col = np.divmod(ends, width)
        # The first edge beyond the end of a run, looked up; the last line and column collect those without one.
        row_cell = np.searchsorted(rows, np.arange(height + 1), side="right")[row]
        col_cell = np.searchsorted(cols, np.arange(width), side="right")[col]
        shape = (len(rows) + 1, len(cols) + 1, self.num_classes)
        cell = (row_cell * shape[1] + col_cell) * shape[2] + np.tile(self._value[part], 2)

        def summed(weight: NDArray[np.float64]) -> NDArray[np.int64]:
            # Sums of integers stay exact in double precision below 2**53.
            cells = np.bincount(cell, weight, minlength=int(np.prod(shape))).astype(np.int64)
            return np.asarray(cells.reshape(shape).cumsum(axis=0)[:-1])

        num, of_rows = summed(sign), summed(sign * row).sum(axis=1)
        whole = num.sum(axis=1)
        above = of_rows - (rows[:, None] - 1) * whole
        left = num.cumsum(axis=1)[:, :-1]
        lines = summed(sign * col).cumsum(axis=1)[:, :-1]
        return np.asarray((above[:, None] - left) * cols[:, None] + lines)

    def counts(
        self, region: ArrayLike, rows: ArrayLike, cols: ArrayLike, height: int, width: int
    ) -> NDArray[np.int64]:
        """Class pixels of windows anywhere, ``(n, k)``.

        For windows on a grid take `window_grid`, which needs one table a region; this needs one for every 256
        windows of a region, so it is for plans in the making and for reports, not for drawing.

        Args:
            region: Number of the region, or ``(n,)`` one for each window.
            rows: ``(n,)`` first row, counted from the region's own corner; may be negative.
            cols: ``(n,)`` first column.
            height: Rows of every window.
            width: Columns of every window.
        """
        corner = np.stack([np.asarray(rows, np.int64), np.asarray(cols, np.int64)], axis=1)
        regions = np.broadcast_to(np.asarray(region, np.int64), len(corner))
        counts = np.empty((len(corner), self.num_classes), np.int64)
        for number in np.unique(regions).tolist():
            members = np.flatnonzero(regions == number)
            for start in range(0, len(members), _WINDOWS_AT_ONCE):
                some = members[start : start + _WINDOWS_AT_ONCE]
                first = np.clip(corner[some], 0, self.sizes[number])
                last = np.clip(corner[some] + (height, width), 0, self.sizes[number])
                row_edges, row = np.unique([first[:, 0], last[:, 0]], return_inverse=True)
                col_edges, col = np.unique([first[:, 1], last[:, 1]], return_inverse=True)
                table = self.table(number, row_edges, col_edges)
                (top, bottom), (left, right) = row.reshape(2, -1), col.reshape(2, -1)
                counts[some] = (
                    table[bottom, right] - table[top, right] - table[bottom, left] + table[top, left]
                )
        return counts
