"""How often the same pixels are shown when some windows are drawn again and again."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rareseg.sampling.integral_counts import IntegralCounts
from rareseg.sampling.window_grid import WindowGrid

__all__ = ["PixelRepeats", "pixel_repeats"]

_NEVER = 1e-12


class PixelRepeats(NamedTuple):
    """For each class, ``(k,)``; NaN where a class has no pixel."""

    mean: NDArray[np.float64]
    """Mean over all pixels of the class of the chance that a patch shows the pixel."""
    most: NDArray[np.float64]
    """Chance for the pixel that is shown most often."""
    never: NDArray[np.float64]
    """Share of the pixels that no window shows."""


def pixel_repeats(
    counts: IntegralCounts, grid: WindowGrid, weights: NDArray[np.float64], *, patch_size: tuple[int, int]
) -> PixelRepeats:
    """Count exactly, on the cells between the edges of the windows, within which all pixels are shown alike.

    Args:
        counts: Class pixels of the regions.
        grid: The windows that are drawn.
        weights: ``(n,)`` chance of each window.
        patch_size: Rows and columns of a window.
    """
    shown, most, never, total = np.zeros((4, counts.num_classes))
    for region, size in enumerate(counts.sizes):
        here = grid.region == region
        first = np.stack([grid.row[here], grid.col[here]])
        ends = np.stack([first, first + np.array(patch_size)[:, None]])
        inside = np.clip(ends, 0, size[:, None])
        row_edges, rows = np.unique(np.append(inside[:, 0], [0, size[0]]), return_inverse=True)
        col_edges, cols = np.unique(np.append(inside[:, 1], [0, size[1]]), return_inverse=True)
        (top, bottom), (left, right) = rows[:-2].reshape(2, -1), cols[:-2].reshape(2, -1)
        chance = np.zeros((len(row_edges), len(col_edges)))
        for sign, row, col in ((1, top, left), (-1, top, right), (-1, bottom, left), (1, bottom, right)):
            np.add.at(chance, (row, col), sign * weights[here])
        chance = chance.cumsum(axis=0).cumsum(axis=1)[:-1, :-1, None]
        pixels = np.diff(np.diff(counts.table(region, row_edges, col_edges), axis=0), axis=1)
        shown += (chance * pixels).sum(axis=(0, 1))
        most = np.maximum(most, np.where(pixels > 0, chance, 0).max(axis=(0, 1)))
        never += (pixels * (chance < _NEVER)).sum(axis=(0, 1))
        total += pixels.sum(axis=(0, 1))
    total[total == 0] = np.nan
    return PixelRepeats(shown / total, np.where(np.isnan(total), np.nan, most), never / total)
