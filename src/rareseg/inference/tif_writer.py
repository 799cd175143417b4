"""The format ``tif``: a folder with a TIFF for each image, a GeoTIFF on the grid of the image where that has one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rareseg.data.raster_file import RasterGrid, import_rasterio
from rareseg.data.raster_writer import grid_in_the_world, label_raster
from rareseg.inference.file_names import file_names
from rareseg.inference.label_writer import WRITERS, LabelSink, PredictedImage, WriterOptions
from rareseg.inference.png_writer import RowSink

__all__ = ["TifWriter"]


@WRITERS.register("tif")
class TifWriter:
    """Writes class indices, tiled and deflated, with the classes' colours; 255 is the nodata value.

    Args:
        options: ``out`` is the folder.

    Raises:
        MissingExtraError: rasterio is not installed.
    """

    place = "tif"
    is_table = False
    takes_columns = False
    needs_scores = False

    def __init__(self, options: WriterOptions) -> None:
        import_rasterio(purpose="The format tif")
        self._out = options.out
        self._scratch = options.scratch
        self._palette = options.class_table.palette()
        self._names = file_names(options.images)

    def has(self, name: str) -> bool:
        """Whether the file of an image is there."""
        return (self._out / f"{self._names[name]}.tif").is_file()

    @contextmanager
    def open(self, image: PredictedImage) -> Iterator[LabelSink]:
        """A sink for one image."""
        grid = None if image.file is None else grid_in_the_world(image.file)
        path = self._out / f"{self._names[image.name]}.tif"
        with label_raster(
            path, self._palette, grid or RasterGrid(*image.size, None, None), scratch=self._scratch
        ) as raster:
            yield RowSink(raster)

    def close(self, entries: Iterable[tuple[str, Iterable[str]]]) -> None:
        """Nothing is left to do."""
