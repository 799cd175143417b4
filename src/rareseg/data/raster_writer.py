"""Label maps and maps of numbers as GeoTIFF, on the grid of the image that they belong to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rareseg.artefacts import atomic_path
from rareseg.data.raster_file import (
    RasterFiles,
    RasterGrid,
    allow_images_without_place,
    grid_of,
    import_rasterio,
)
from rareseg.errors import MissingExtraError
from rareseg.types import IGNORE_INDEX

if TYPE_CHECKING:
    from rasterio.io import DatasetWriter

__all__ = ["RowRaster", "grid_in_the_world", "label_raster", "number_raster"]

_BLOCK = 512
"""Rows and columns of a block of the file; a map of less than a block has one of its own size."""


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


class RowRaster:
    """An open file of one band; rows go to it in order, blocks to the disk as soon as they are full."""

    def __init__(self, file: DatasetWriter) -> None:
        self._file = file
        self._held: NDArray[np.generic] = np.empty((0, file.width), file.dtypes[0])
        self._row = 0

    def write(self, rows: NDArray[np.generic]) -> None:
        """The next rows ``(n, w)``, of the file's own type."""
        self._held = np.concatenate([self._held, rows])
        left = self._file.height - self._row - len(self._held)
        # A block that is written twice would be deflated twice, and the first copy stay in the file.
        whole = len(self._held) if left == 0 else len(self._held) // _BLOCK * _BLOCK
        for first in range(0, whole, _BLOCK):
            part = self._held[first : min(first + _BLOCK, whole)]
            row = self._row + first
            self._file.write(part, 1, window=((row, row + len(part)), (0, self._file.width)))
        self._held, self._row = self._held[whole:], self._row + whole


@contextmanager
def label_raster(
    path: Path, palette: bytes, grid: RasterGrid, *, scratch: Path | None = None
) -> Iterator[RowRaster]:
    """Write a label map with the place and coordinate system of its image, a few rows at a time.

    The file is tiled and deflated, a BigTIFF where it could need one, has the classes' colours and 255 as its nodata
    value. It appears when the context ends, and not at all after an error.

    Args:
        path: Where; folders are made.
        palette: 768 bytes, red, green and blue of each index, from `ClassTable.palette`.
        grid: Of the image.
        scratch: Folder for the unfinished file, see `atomic_path`.

    Raises:
        MissingExtraError: rasterio is not installed.

    Example:
        >>> import tempfile
        >>> grid = RasterGrid(1, 3, (10.0, 0.0, 500000.0, 0.0, -10.0, 5600000.0), None)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "a.tif"
        ...     with label_raster(path, bytes(768), grid) as raster:
        ...         raster.write(np.array([[0, 1, 255]], np.uint8))
        ...     grid_in_the_world(path) == grid
        True
    """
    with _opened(path, grid, dtype="uint8", nodata=IGNORE_INDEX, scratch=scratch) as file:
        file.write_colormap(1, {index: tuple(palette[3 * index : 3 * index + 3]) for index in range(256)})
        yield RowRaster(file)


@contextmanager
def number_raster(path: Path, grid: RasterGrid, *, scratch: Path | None = None) -> Iterator[RowRaster]:
    """Write one float32 number a pixel in the same way; NaN is the nodata value.

    Args:
        path: Where; folders are made.
        grid: Of the image.
        scratch: Folder for the unfinished file, see `atomic_path`.

    Raises:
        MissingExtraError: rasterio is not installed.
    """
    with _opened(path, grid, dtype="float32", nodata=float("nan"), scratch=scratch) as file:
        yield RowRaster(file)


@contextmanager
def _opened(
    path: Path, grid: RasterGrid, *, dtype: str, nodata: float, scratch: Path | None
) -> Iterator[DatasetWriter]:
    rasterio = import_rasterio()
    allow_images_without_place()
    with (
        atomic_path(path, scratch=scratch) as temporary,
        rasterio.open(
            temporary,
            "w",
            driver="GTiff",
            height=grid.height,
            width=grid.width,
            count=1,
            dtype=dtype,
            nodata=nodata,
            crs=grid.crs,
            transform=None if grid.transform is None else rasterio.Affine(*grid.transform),
            compress="deflate",
            tiled=True,
            blockxsize=_BLOCK,
            blockysize=_BLOCK,
            BIGTIFF="IF_SAFER",
        ) as file,
    ):
        yield file
