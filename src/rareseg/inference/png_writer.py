"""The format ``png``: a folder with an indexed png for each image, or a GeoTIFF where the image is georeferenced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rareseg.data.png_stream import PngStream
from rareseg.data.raster_writer import RowRaster, grid_in_the_world, label_raster
from rareseg.inference.file_names import file_names
from rareseg.inference.label_strip import LabelStrip
from rareseg.inference.label_writer import WRITERS, LabelSink, PredictedImage, WriterOptions

__all__ = ["PngWriter", "RowSink"]


class RowSink:
    """Hands the labels of strips on to a file."""

    def __init__(self, file: PngStream | RowRaster) -> None:
        self._file = file

    def add(self, strip: LabelStrip) -> None:
        """The next rows."""
        self._file.write(strip.labels)

    def entry(self) -> None:
        """The image has a file of its own."""


@WRITERS.register("png")
class PngWriter:
    """Writes class indices, with the classes' colours as palette, row by row.

    With rasterio, the label map of a georeferenced tif becomes a GeoTIFF of the same place.

    Args:
        options: ``out`` is the folder.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from rareseg.data.labels import ClassTable
        >>> table = ClassTable.from_names(["background", "crack"])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     writer = PngWriter(WriterOptions(Path(folder), ("a.jpg",), table))
        ...     with writer.open(PredictedImage("a.jpg", (1, 2))) as sink:
        ...         sink.add(LabelStrip(0, np.array([[0, 1]], np.uint8)))
        ...     [path.name for path in Path(folder).iterdir()]
        ['a.png']
    """

    place = "png"
    is_table = False
    takes_columns = False
    needs_scores = False

    def __init__(self, options: WriterOptions) -> None:
        self._out = options.out
        self._scratch = options.scratch
        self._palette = options.class_table.palette()
        self._names = file_names(options.images)

    def has(self, name: str) -> bool:
        """Whether the file of an image is there."""
        return any((self._out / f"{self._names[name]}.{ending}").is_file() for ending in ("png", "tif"))

    @contextmanager
    def open(self, image: PredictedImage) -> Iterator[LabelSink]:
        """A sink for one image."""
        path = self._out / self._names[image.name]
        grid = None if image.file is None else grid_in_the_world(image.file)
        if grid is None:
            with PngStream(
                path.with_name(f"{path.name}.png"), image.size, self._palette, scratch=self._scratch
            ) as stream:
                yield RowSink(stream)
        else:
            with label_raster(
                path.with_name(f"{path.name}.tif"), self._palette, grid, scratch=self._scratch
            ) as raster:
                yield RowSink(raster)

    def close(self, entries: Iterable[tuple[str, Iterable[str]]]) -> None:
        """Nothing is left to do."""
