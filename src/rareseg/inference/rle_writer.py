"""The format ``rle_csv``: one table with the run lengths of every image and class."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np

from rareseg.artefacts import atomic_path
from rareseg.errors import OptionError
from rareseg.inference.label_strip import LabelStrip
from rareseg.inference.label_writer import WRITERS, LabelSink, PredictedImage, WriterOptions
from rareseg.metrics.column_runs import ColumnRunCollector, ColumnRuns

__all__ = ["RleWriter"]

_SEPARATE = ("ImageId", "ClassId", "EncodedPixels")


class _RunSink:
    """Collects the runs of one image; its entry is a text for each class but the background."""

    def __init__(self, size: tuple[int, int], num_classes: int) -> None:
        self._collector = ColumnRunCollector(size)
        self._num_classes = num_classes

    def add(self, strip: LabelStrip) -> None:
        self._collector.add(strip.labels)

    def entry(self) -> list[str]:
        return [_text(runs) for runs in self._collector.close(num_classes=self._num_classes)]


@WRITERS.register("rle_csv")
class RleWriter:
    """Writes a row for every image and class but the background, empty where the class is absent.

    Three columns hold image, class and run lengths; two hold image and class joined by ``_``, and the run
    lengths. Images are named with their ending, classes by their value. The dataset format of the same name
    reads such tables.

    Args:
        options: ``out`` is the file, ``columns`` the names of the three or two columns.

    Raises:
        OptionError: There are not two or three different columns.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from rareseg.data.labels import ClassTable
        >>> table = ClassTable.from_names(["background", "pit", "scratch"])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     out = Path(folder) / "labels.csv"
        ...     writer = RleWriter(WriterOptions(out, ("a.png",), table))
        ...     with writer.open(PredictedImage("a.png", (2, 2))) as sink:
        ...         sink.add(LabelStrip(0, np.array([[0, 2], [2, 0]], np.uint8)))
        ...     writer.close([("a.png", sink.entry())])
        ...     print(out.read_text(), end="")
        ImageId,ClassId,EncodedPixels
        a.png,1,
        a.png,2,2 2
    """

    place = "rle.csv"
    is_table = True
    takes_columns = True
    needs_scores = False

    def __init__(self, options: WriterOptions) -> None:
        columns = options.columns or _SEPARATE
        if len(columns) not in (2, 3) or len(set(columns)) < len(columns) or not all(columns):
            raise OptionError(
                f"--columns should name three columns (image, class, run lengths) or two (image and class joined, "
                f"run lengths), but names {', '.join(columns)}; give two or three different names."
            )
        self._out = options.out
        self._columns = columns
        self._values = options.class_table.values[1:]

    def has(self, name: str) -> bool:
        """Whether the table is there."""
        return self._out.is_file()

    @contextmanager
    def open(self, image: PredictedImage) -> Iterator[LabelSink]:
        """A sink for one image."""
        yield _RunSink(image.size, len(self._values) + 1)

    def close(self, entries: Iterable[tuple[str, Iterable[str]]]) -> None:
        """Write the table."""
        with atomic_path(self._out) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(self._columns)
            for image, texts in entries:
                for value, runs in zip(self._values, texts, strict=True):
                    joined = len(self._columns) == 2
                    table.writerow((f"{image}_{value}", runs) if joined else (image, value, runs))


def _text(runs: ColumnRuns) -> str:
    pairs = np.stack([runs.starts + 1, runs.lengths], axis=1)
    return " ".join(map(str, pairs.ravel().tolist()))
