"""Maps of numbers as GeoTIFF, on the grid of the image that they belong to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rareseg.artefacts import write_bytes
from rareseg.data.raster_file import RasterGrid, import_rasterio

__all__ = ["write_number_raster"]


def write_number_raster(path: Path, numbers: NDArray[np.float32], grid: RasterGrid) -> None:
    """Write one number a pixel with the place and coordinate system of its image; NaN is its nodata value.

    Args:
        path: Where; folders are made, and the file is written whole or not at all.
        numbers: ``(h, w)``.
        grid: Of the image.

    Raises:
        MissingExtraError: rasterio is not installed.
    """
    rasterio = import_rasterio()
    with rasterio.MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            height=numbers.shape[0],
            width=numbers.shape[1],
            count=1,
            dtype="float32",
            nodata=float("nan"),
            crs=grid.crs,
            transform=None if grid.transform is None else rasterio.Affine(*grid.transform),
            compress="deflate",
            tiled=True,
        ) as file:
            file.write(numbers, 1)
        write_bytes(path, memory.read())
