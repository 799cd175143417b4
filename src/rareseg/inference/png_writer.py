"""The format ``png``: a folder with an indexed png for each image, or a GeoTIFF where the image is georeferenced."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from rareseg.data.indexed_png import write_indexed_png
from rareseg.data.raster_writer import grid_in_the_world, write_label_raster
from rareseg.errors import OptionError
from rareseg.inference.label_writer import WRITERS, WriterOptions

__all__ = ["PngWriter"]


@WRITERS.register("png")
class PngWriter:
    """Writes each label map as soon as it comes: class indices, with the classes' colours as palette.

    Args:
        options: ``out`` is the folder.

    Raises:
        OptionError: ``out`` is a file, or columns are given.
    """

    def __init__(self, options: WriterOptions) -> None:
        if options.columns is not None:
            raise OptionError(
                "Label maps as png have no columns; leave out --columns, or name another --format."
            )
        if options.out.is_file():
            raise OptionError(
                f"'{options.out}' is a file, but label maps as png need a folder; give another --out."
            )
        self._out = options.out
        self._files = options.files
        self._palette = options.class_table.palette()
        self._names = dict(zip(options.images, _file_names(options.images), strict=True))

    def add(self, image: str, labels: NDArray[np.uint8]) -> None:
        """Write one label map; with rasterio, that of a georeferenced tif as a GeoTIFF of the same place."""
        path, file = self._out / self._names[image], self._files.get(image)
        grid = None if file is None else grid_in_the_world(file)
        if grid is None:
            write_indexed_png(path, labels, self._palette)
        else:
            write_label_raster(path.with_suffix(".tif"), labels, self._palette, grid)

    def close(self) -> None:
        """Nothing is left to do."""


def _file_names(images: Sequence[str]) -> list[str]:
    """File names that stay distinct when images of one name lie in several folders or have several endings."""
    stems = [PurePosixPath(image).stem for image in images]
    if len(set(stems)) == len(stems):
        return [f"{stem}.png" for stem in stems]
    return [f"{image.replace('/', '__').replace('.', '_')}.png" for image in images]
