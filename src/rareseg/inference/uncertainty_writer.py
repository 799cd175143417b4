"""The format ``uncertainty``: a folder with a map for each image of how much the members of an ensemble disagree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rareseg.artefacts import atomic_path
from rareseg.data.number_raster import write_number_raster
from rareseg.data.raster_writer import grid_in_the_world
from rareseg.inference.file_names import file_names
from rareseg.inference.label_strip import SCORE_SCALE, LabelStrip
from rareseg.inference.label_writer import WRITERS, LabelSink, PredictedImage, WriterOptions
from rareseg.types import IGNORE_INDEX

__all__ = ["UncertaintyWriter"]


class _Map:
    """Collects the doubts of one image, 2 bytes a pixel."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.doubts = np.zeros(size, np.uint16)
        self.invalid = np.zeros(size, bool)

    def add(self, strip: LabelStrip) -> None:
        assert strip.doubts is not None, "the model is an ensemble"
        self.doubts[strip.row : strip.end] = strip.doubts
        self.invalid[strip.row : strip.end] = strip.labels == IGNORE_INDEX

    def entry(self) -> None:
        """The image has a file of its own."""


@WRITERS.register("uncertainty")
class UncertaintyWriter:
    """Writes 16-bit grey pngs, or GeoTIFFs where images are georeferenced and rasterio is installed.

    A png holds the disagreement times 65535, and 0 where there is no data. A GeoTIFF holds it as it is, float32, NaN
    for no data. The map of an image is held in memory until it is written, 3 bytes a pixel.

    Args:
        options: ``out`` is the folder.

    Example:
        >>> import tempfile
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
        found = _Map(image.size)
        yield found
        grid = None if image.file is None else grid_in_the_world(image.file)
        if grid is None:
            path = self._out / f"{self._names[image.name]}.png"
            _write_grey(path, np.where(found.invalid, np.uint16(0), found.doubts), self._scratch)
        else:
            values = found.doubts.astype(np.float32) / np.float32(SCORE_SCALE)
            values[found.invalid] = np.nan
            write_number_raster(self._out / f"{self._names[image.name]}.tif", values, grid)

    def close(self, entries: Iterable[tuple[str, Any]]) -> None:
        """Nothing is left to do."""


def _write_grey(path: Path, numbers: NDArray[np.uint16], scratch: Path | None) -> None:
    from PIL import Image

    with atomic_path(path, scratch=scratch) as temporary:
        Image.fromarray(numbers).save(temporary, format="PNG")
