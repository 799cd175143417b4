"""A single defect on a small grid, and the profile that defects share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["FOOTPRINT_LEVEL", "Stamp", "dome"]

FOOTPRINT_LEVEL = 0.12
"""A defect's footprint is where its relief exceeds this share of its own peak."""


class Stamp(NamedTuple):
    """One defect on a small grid: ``(row, col)`` is the grid's corner relative to the defect."""

    row: int
    col: int
    relief: NDArray[np.float32]
    """Change of height ``(h, w)`` in pixels."""
    albedo: NDArray[np.float32]
    """Factor on the albedo ``(h, w)``."""
    footprint: NDArray[np.bool_]
    """Pixels that belong to the defect ``(h, w)``."""

    def shifted(self, row: int, col: int) -> Stamp:
        """The same defect moved by whole pixels."""
        return self._replace(row=self.row + row, col=self.col + col)


def dome(reach: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 in the middle, 0 from reach 1 on, with a continuous slope."""
    profile: NDArray[np.float64] = np.clip(1 - reach**2, 0, 1) ** 1.5
    return profile
