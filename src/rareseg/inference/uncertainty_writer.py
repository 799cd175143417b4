"""The format ``uncertainty``: a folder with a map for each image of how much the members of an ensemble disagree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from rareseg.data.png_stream import PngStream
from rareseg.data.raster_writer import RowRaster, grid_in_the_world, number_raster
from rareseg.inference.file_names import file_names
from rareseg.inference.label_strip import SCORE_SCALE, LabelStrip
from rareseg.inference.label_writer import WRITERS, LabelSink, PredictedImage, WriterOptions
from rareseg.types import IGNORE_INDEX

__all__ = ["UncertaintyWriter"]


class _GreySink:
    """Hands doubts on as levels of grey."""

    def __init__(self, file: PngStream) -> None:
        self._file = file

    def add(self, strip: LabelStrip) -> None:
        assert strip.doubts is not None, "the model is an ensemble"
        self._file.write(np.where(strip.labels == IGNORE_INDEX, np.uint16(0), strip.doubts))

    def entry(self) -> None:
        """The image has a file of its own."""


class _NumberSink:
    """Hands doubts on as numbers from 0 to 1."""

    def __init__(self, file: RowRaster) -> None:
        self._file = file

    def add(self, strip: LabelStrip) -> None:
        assert strip.doubts is not None, "the model is an ensemble"
        values = strip.doubts.astype(np.float32) / np.float32(SCORE_SCALE)
        values[strip.labels == IGNORE_INDEX] = np.nan
        self._file.write(values)

    def entry(self) -> None:
        """The image has a file of its own."""


@WRITERS.register("uncertainty")
class UncertaintyWriter:
    """Writes 16-bit grey pngs, or GeoTIFFs where images are georeferenced and rasterio is installed, row by row.

    A png holds the disagreement times 65535, and 0 where there is no data. A GeoTIFF holds it as it is, float32, NaN
    for no data.

    Args:
        options: ``out`` is the folder.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from rareseg.data.labels import ClassTable
        >>> table = ClassTable.from_names(["background", "crack"])
        >>> doubts = np.array([[0, 32768, 65535]], np.uint16)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     writer = UncertaintyWriter(WriterOptions(Path(folder), ("a.jpg",), table))
        ...     with writer.open(PredictedImage("a.jpg", (1, 3))) as sink:
        ...         sink.add(LabelStrip(0, np.zeros((1, 3), np.uint8), doubts=doubts))
        ...     with Image.open(Path(folder) / "a.png") as file:
        ...         np.asarray(file).tolist()
        [[0, 32768, 65535]]
    """

    place = "uncertainty"
    is_table = False
    takes_columns = False
    needs_scores = False

    def __init__(self, options: WriterOptions) -> None:
        self._out = options.out
        self._scratch = options.scratch
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
                path.with_name(f"{path.name}.png"), image.size, None, scratch=self._scratch
            ) as stream:
                yield _GreySink(stream)
        else:
            with number_raster(path.with_name(f"{path.name}.tif"), grid, scratch=self._scratch) as raster:
                yield _NumberSink(raster)

    def close(self, entries: Iterable[tuple[str, Any]]) -> None:
        """Nothing is left to do."""
