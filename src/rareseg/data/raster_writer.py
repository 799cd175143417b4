"""Label maps as GeoTIFF, on the grid of the image that they belong to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rareseg.artefacts import write_bytes
from rareseg.data.raster_file import RasterFiles, RasterGrid, grid_of, import_rasterio
from rareseg.errors import MissingExtraError
from rareseg.types import IGNORE_INDEX

__all__ = ["grid_in_the_world", "write_label_raster", "write_number_raster"]


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
    colors = {index: tuple(palette[3 * index : 3 * index + 3]) for index in range(256)}
    _write(path, labels, grid, nodata=IGNORE_INDEX, colors=colors)


def write_number_raster(path: Path, numbers: NDArray[np.float32], grid: RasterGrid) -> None:
    """Write one number a pixel with the place and coordinate system of its image; NaN is its nodata value.

    Args:
        path: Where; folders are made, and the file is written whole or not at all.
        numbers: ``(h, w)``.
        grid: Of the image.

    Raises:
        MissingExtraError: rasterio is not installed.
    """
    _write(path, numbers, grid, nodata=float("nan"))


def _write(
    path: Path,
    values: NDArray[np.generic],
    grid: RasterGrid,
    *,
    nodata: float,
    colors: dict[int, tuple[int, ...]] | None = None,
) -> None:
    rasterio = import_rasterio()
    with rasterio.MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            height=values.shape[0],
            width=values.shape[1],
            count=1,
            dtype=values.dtype.name,
            nodata=nodata,
            crs=grid.crs,
            transform=None if grid.transform is None else rasterio.Affine(*grid.transform),
            compress="deflate",
            tiled=True,
        ) as file:
            file.write(values, 1)
            if colors is not None:
                file.write_colormap(1, colors)
        write_bytes(path, memory.read())
