"""Masks that are rasters, read window by window, on the grid of their image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rareseg.data.mask_pixels import check_mask_size
from rareseg.data.raster_file import RASTER_ENDINGS, RasterFiles, RasterGrid, grid_of, import_rasterio
from rareseg.errors import SizeMismatchError
from rareseg.types import Window

__all__ = ["RasterMasks"]

_TOLERANCE = 0.1
"""Pixels by which the corners of two grids may differ: writers round their coordinates."""


class RasterMasks:
    """What `FolderLabels` reads raster masks by. The nodata value of a mask has no meaning of its own.

    Args:
        endings: Endings of files that are looked for.
    """

    windowed = True

    def __init__(self, endings: tuple[str, ...] = RASTER_ENDINGS) -> None:
        self.endings = endings
        self._files = RasterFiles()

    def read(
        self, path: Path, kind: str, *, image: Path, shape: tuple[int, int], window: Window | None
    ) -> NDArray[np.generic]:
        """Pixels of a window, ``(h, w)`` or ``(h, w, c)``.

        Raises:
            DataError: The mask is missing or broken.
            SizeMismatchError: It lies on another grid than its image.
        """
        with self._files.opened(image) as dataset:
            own = grid_of(dataset)
        with self._files.opened(path) as dataset:
            check_mask_size(dataset.height, dataset.width, path, image=image, shape=shape)
            _check_grid(grid_of(dataset), own, path, image)
            box = window or Window(0, 0, *shape)
            rows, cols = (box.row, box.row + box.height), (box.col, box.col + box.width)
            pixels: NDArray[Any] = dataset.read(window=(rows, cols))
        return pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, -1)


def _check_grid(mask: RasterGrid, image: RasterGrid, path: Path, image_path: Path) -> None:
    """Refuse a mask that lies elsewhere, where both say where they lie."""
    if mask.crs is not None and image.crs is not None and mask.crs != image.crs:
        crs = import_rasterio().crs.CRS
        ours, theirs = crs.from_wkt(mask.crs), crs.from_wkt(image.crs)
        if ours != theirs:
            raise SizeMismatchError(
                f"The mask '{path}' is in the coordinate system {_short(ours)}, but its image '{image_path}' in "
                f"{_short(theirs)}; bring the mask into the grid of the image."
            )
    if mask.transform is None or image.transform is None:
        return
    gap = _largest_gap(mask, image)
    if not gap <= _TOLERANCE:
        raise SizeMismatchError(
            f"The mask '{path}' lies up to {gap:.1f} pixels beside its image '{image_path}', by what both files "
            "say of their place; bring the mask into the grid of the image."
        )


def _largest_gap(mask: RasterGrid, image: RasterGrid) -> float:
    """Distance of the corners of two georeferenced grids, in pixels of the image."""
    assert mask.transform is not None and image.transform is not None
    (a, b, c, d, e, f), (a2, b2, c2, d2, e2, f2) = image.transform, mask.transform
    cols, rows = np.array([0, image.width, 0, image.width]), np.array([0, 0, image.height, image.height])
    x, y = (a2 - a) * cols + (b2 - b) * rows + c2 - c, (d2 - d) * cols + (e2 - e) * rows + f2 - f
    with np.errstate(all="ignore"):
        determinant = a * e - b * d
        moved = np.hypot((e * x - b * y) / determinant, (a * y - d * x) / determinant)
    return float(moved.max())


def _short(crs: Any) -> str:
    """``EPSG:32633``, or the name of a system without such a code."""
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else str(crs.to_wkt().split('"')[1])
