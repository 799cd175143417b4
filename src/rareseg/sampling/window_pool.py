"""Windows of a grid that meet a condition: what is drawn from where drawing by chance finds none."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from rareseg.sampling.plan import Corners, PlanContext

__all__ = ["Condition", "WindowPool"]

Condition = Callable[[Corners], NDArray[np.bool_]]
"""Says of each window whether it will do."""

_WINDOWS_A_SIDE = 4


class WindowPool:
    """The windows of a grid that will do; the grid is refined until there is one, at last to every position.

    The first grid has a window every quarter of a patch, and the last position of each axis.

    Args:
        context: Regions and patch size.
        condition: Which windows will do.

    Attributes:
        num_uniforms: Numbers that a patch uses up.
        corners: The windows found; none only if no window of any region will do.
    """

    num_uniforms = 1

    def __init__(self, context: PlanContext, condition: Condition) -> None:
        height, width = (max(1, side // _WINDOWS_A_SIDE) for side in context.patch_size)
        while True:
            found = [
                Corners(*(values[good] for values in corners))
                for corners in _grid(context, height, width)
                if (good := condition(corners)).any()
            ]
            if found or height == width == 1:
                break
            height, width = max(1, height // 2), max(1, width // 2)
        parts = zip(*found, strict=True) if found else ([np.empty(0, np.int64)] for _ in range(3))
        self.corners = Corners(*(np.concatenate(values) for values in parts))

    def __len__(self) -> int:
        return len(self.corners.row)

    def __call__(self, u: NDArray[np.float64], index: NDArray[np.int64] | None = None) -> Corners:
        """``(n, 1)`` uniform numbers to windows, every one of the pool equally likely."""
        chosen = np.floor(u[:, 0] * len(self)).astype(np.int64)
        return Corners(*(values[chosen] for values in self.corners))


def _grid(context: PlanContext, row_stride: int, col_stride: int) -> Iterator[Corners]:
    """All windows of the grid, region by region."""
    for number, region in enumerate(context.regions):
        rows, cols = (
            np.unique([*range(min(0, spare), max(0, spare), stride), max(0, spare)])
            for spare, stride in (
                (region.window.height - context.patch_size[0], row_stride),
                (region.window.width - context.patch_size[1], col_stride),
            )
        )
        row, col = (values.ravel() for values in np.meshgrid(rows, cols, indexing="ij"))
        yield Corners(np.full(len(row), number, np.int64), row.astype(np.int64), col.astype(np.int64))
