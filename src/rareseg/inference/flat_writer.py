"""The format ``flat_csv``: one table with a row for each image and a column for each pixel."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np

from rareseg.artefacts import atomic_path
from rareseg.errors import DataError, OptionError
from rareseg.inference.label_strip import LabelStrip
from rareseg.inference.label_writer import WRITERS, LabelSink, PredictedImage, WriterOptions

__all__ = ["FlatWriter"]

_MOST_PIXELS = 1 << 24
"""No program reads a table of more columns."""


class _PixelSink:
    """Collects the pixels of one image; its entry is the size and their class indices, deflated, as text."""

    def __init__(self) -> None:
        self._strips: list[LabelStrip] = []

    def add(self, strip: LabelStrip) -> None:
        self._strips.append(strip)

    def entry(self) -> list[str]:
        labels = np.concatenate([strip.labels for strip in self._strips])
        text = base64.b64encode(zlib.compress(labels.tobytes())).decode("ascii")
        return [f"{labels.shape[0]} {labels.shape[1]}", text]


@WRITERS.register("flat_csv")
class FlatWriter:
    """Writes a row for every image: its place in the input, from 0, and its pixels' class values, row by row.

    Contests that hand out test images as one array without names take such tables: ``id,0,1,...,8191`` for
    tiles of 64 x 128.

    Args:
        options: ``out`` is the file, ``columns`` the name of the first column, by default ``id``.

    Raises:
        OptionError: More than one column is named.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from rareseg.data.labels import ClassTable
        >>> table = ClassTable.from_names(["background", "soil", "rock"])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     out = Path(folder) / "labels.csv"
        ...     writer = FlatWriter(WriterOptions(out, ("a", "b"), table))
        ...     with writer.open(PredictedImage("b", (2, 2))) as sink:
        ...         sink.add(LabelStrip(0, np.array([[0, 2], [2, 1]], np.uint8)))
        ...     writer.close([("b", sink.entry())])
        ...     print(out.read_text(), end="")
        id,0,1,2,3
        1,0,2,2,1
    """

    place = "flat.csv"
    is_table = True
    takes_columns = True
    needs_scores = False

    def __init__(self, options: WriterOptions) -> None:
        columns = options.columns or ("id",)
        if len(columns) != 1 or not columns[0]:
            raise OptionError(
                f"--columns should name one column for flat_csv, that of the image's place, but names "
                f"{', '.join(columns)}; pixels are numbered from 0."
            )
        self._out = options.out
        self._column = columns[0]
        self._values = [str(value) for value in options.class_table.values]
        self._places = {image: place for place, image in enumerate(options.images)}
        self._first: tuple[str, tuple[int, int]] | None = None

    def has(self, name: str) -> bool:
        """Whether the table is there."""
        return self._out.is_file()

    @contextmanager
    def open(self, image: PredictedImage) -> Iterator[LabelSink]:
        """A sink for one image.

        Raises:
            DataError: It is of another size than the first one, or has more pixels than a table can have columns.
        """
        if image.size[0] * image.size[1] > _MOST_PIXELS:
            raise DataError(
                f"'{image.name}' has {image.size[0]} x {image.size[1]} pixels, but flat_csv has a column for each and "
                f"takes up to {_MOST_PIXELS}; choose another --format."
            )
        self._check_size(image.name, image.size)
        yield _PixelSink()

    def close(self, entries: Iterable[tuple[str, Iterable[str]]]) -> None:
        """Write the table.

        Raises:
            DataError: An image is of another size than the first one.
        """
        with atomic_path(self._out) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
            begun = False
            for name, (size, text) in entries:
                height, width = map(int, size.split())
                self._check_size(name, (height, width))
                flat = zlib.decompress(base64.b64decode(text))
                if not begun:
                    file.write(",".join([self._column, *map(str, range(len(flat)))]) + "\n")
                    begun = True
                file.write(f"{self._places[name]}," + ",".join(map(self._values.__getitem__, flat)) + "\n")
            if not begun:
                file.write(f"{self._column}\n")

    def _check_size(self, name: str, size: tuple[int, int]) -> None:
        if self._first is None:
            self._first = (name, size)
        first, expected = self._first
        if size != expected:
            raise DataError(
                f"'{name}' has {size[0]} x {size[1]} pixels, but '{first}' {expected[0]} x {expected[1]}, and a row "
                "of flat_csv has as many cells as every other; predict them apart."
            )
