"""Windows around a pixel of a class, which hold that pixel for certain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rareseg.sampling.plan import Corners, PlanContext

__all__ = ["PixelWindows"]


class PixelWindows:
    """Draws a pixel of a class, every one in the training regions equally likely, and a window that holds it.

    Along each axis the window is pushed into a region that is larger than it, or around one that is smaller, so
    it never loses its pixel.

    Args:
        context: Regions, locations and patch size.

    Example:
        >>> from rareseg.sampling.class_locations import ClassLocations
        >>> from rareseg.types import Region, Window
        >>> mask = np.zeros((8, 8), np.uint8)
        >>> mask[4, 7] = 1
        >>> locations = ClassLocations.from_masks([mask], ["background", "dot"])
        >>> context = PlanContext([Region("a", Window(0, 0, 8, 8))], locations, (4, 4), ("background", "dot"))
        >>> _, row, col = PixelWindows(context).centred(np.array([1]), np.array([0.5]))
        >>> row.tolist(), col.tolist()
        ([2], [4])
    """

    def __init__(self, context: PlanContext) -> None:
        self.locations = context.locations
        self.patch_size = np.array(context.patch_size, np.int64)
        sizes = context.region_sizes
        self.first = np.minimum(sizes - self.patch_size, 0)
        self.last = np.maximum(sizes - self.patch_size, 0)

    def anywhere(self, classes: NDArray[np.int64], u: NDArray[np.float64]) -> Corners:
        """The pixel is at a random place of the window.

        Args:
            classes: ``(n,)`` class indices, each with training pixels.
            u: ``(n, 3)``: the pixel, then its row and column in the window.
        """
        return self._around(classes, u[:, 0], np.floor(u[:, 1:3] * self.patch_size).astype(np.int64))

    def centred(self, classes: NDArray[np.int64], u: NDArray[np.float64]) -> Corners:
        """The pixel is in the middle of the window, unless the window had to be pushed; ``u`` is ``(n,)``."""
        return self._around(classes, u, self.patch_size // 2)

    def _around(
        self, classes: NDArray[np.int64], u: NDArray[np.float64], place: NDArray[np.int64]
    ) -> Corners:
        region, row, col = self.locations.pixel(classes, u)
        corner = np.clip(np.stack([row, col], axis=1) - place, self.first[region], self.last[region])
        return Corners(region, corner[:, 0], corner[:, 1])
