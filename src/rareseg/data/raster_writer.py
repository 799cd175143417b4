"""Label maps as GeoTIFF, on the grid of the image that they belong to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rareseg.artefacts import write_bytes
from rareseg.data.raster_file import RasterFiles, RasterGrid, grid_of, import_rasterio
from rareseg.errors import MissingExtraError
from rareseg.types import IGNORE_INDEX

__all__ = ["grid_in_the_world", "write_label_raster"]


def grid_in_the_world(path: Path) -> RasterGrid | None:
    """Where a TIFF says that its pixels lie; None for other files, and where rasterio is not installed.

    Raises:
        DataError: The file is missing or damaged.
    """
    if path.suffix.lower() not in (".tif", ".tiff"):
        return None
    try:
        import_rasterio()
    except MissingExtraError:
        return None
    with RasterFiles().opened(path) as dataset:
        grid = grid_of(dataset)
    return None if grid.transform is None else grid


def write_label_raster(path: Path, labels: NDArray[np.uint8], palette: bytes, grid: RasterGrid) -> None:
    """Write a label map with the place and coordinate system of its image; 255 is its nodata value.

    Args:
        path: Where; folders are made, and the file is written whole or not at all.
        labels: ``(h, w)`` class indices, 255 where the image has no data.
        palette: 768 bytes, red, green and blue of each index, from `ClassTable.palette`.
        grid: Of the image.

    Raises:
        MissingExtraError: rasterio is not installed.

    Example:
        >>> import tempfile
        >>> grid = RasterGrid(1, 3, (10.0, 0.0, 500000.0, 0.0, -10.0, 5600000.0), None)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "a.tif"
        ...     write_label_raster(path, np.array([[0, 1, 255]], np.uint8), bytes(768), grid)
        ...     grid_in_the_world(path) == grid
        True
    """
    rasterio = import_rasterio()
    colors = {index: tuple(palette[3 * index : 3 * index + 3]) for index in range(256)}
    with rasterio.MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            height=labels.shape[0],
            width=labels.shape[1],
            count=1,
            dtype="uint8",
            nodata=IGNORE_INDEX,
            crs=grid.crs,
            transform=None if grid.transform is None else rasterio.Affine(*grid.transform),
            compress="deflate",
            tiled=True,
        ) as file:
            file.write(labels, 1)
            file.write_colormap(1, colors)
        write_bytes(path, memory.read())
