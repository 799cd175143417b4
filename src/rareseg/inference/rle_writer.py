"""The format ``rle_csv``: one table with the run lengths of every image and class."""

from __future__ import annotations

import csv
import io

import numpy as np
from numpy.typing import NDArray

from rareseg.artefacts import write_text
from rareseg.data.run_lengths import encode_label_map
from rareseg.errors import OptionError
from rareseg.inference.label_writer import WRITERS, WriterOptions

__all__ = ["RleWriter"]

_SEPARATE = ("ImageId", "ClassId", "EncodedPixels")


@WRITERS.register("rle_csv")
class RleWriter:
    """Collects a row for every image and class but the background, empty where the class is absent.

    Three columns hold image, class and run lengths; two hold image and class joined by ``_``, and the run
    lengths. Images are named with their ending, classes by their value. The dataset format of the same name
    reads such tables.

    Args:
        options: ``out`` is the file, ``columns`` the names of the three or two columns.

    Raises:
        OptionError: ``out`` is a folder, or there are not two or three different columns.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from rareseg.data.labels import ClassTable
        >>> table = ClassTable.from_names(["background", "pit", "scratch"])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     out = Path(folder) / "labels.csv"
        ...     writer = RleWriter(WriterOptions(out, ("a.png",), table))
        ...     writer.add("a.png", np.array([[0, 2], [2, 0]], np.uint8))
        ...     writer.close()
        ...     print(out.read_text(), end="")
        ImageId,ClassId,EncodedPixels
        a.png,1,
        a.png,2,2 2
    """

    def __init__(self, options: WriterOptions) -> None:
        columns = options.columns or _SEPARATE
        if len(columns) not in (2, 3) or len(set(columns)) < len(columns) or not all(columns):
            raise OptionError(
                f"--columns should name three columns (image, class, run lengths) or two (image and class joined, "
                f"run lengths), but names {', '.join(columns)}; give two or three different names."
            )
        if options.out.is_dir():
            raise OptionError(
                f"'{options.out}' is a folder, but rle_csv writes one file; give another --out."
            )
        self._out = options.out
        self._columns = columns
        self._values = options.class_table.values[1:]
        self._order = {image: place for place, image in enumerate(options.images)}
        self._texts: dict[str, list[str]] = {}

    def add(self, image: str, labels: NDArray[np.uint8]) -> None:
        """Encode one label map."""
        self._texts[image] = encode_label_map(labels, len(self._values) + 1)

    def close(self) -> None:
        """Write the table, images in the order of the options."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(self._columns)
        for image in sorted(self._texts, key=self._order.__getitem__):
            for value, runs in zip(self._values, self._texts[image], strict=True):
                table.writerow(
                    (f"{image}_{value}", runs) if len(self._columns) == 2 else (image, value, runs)
                )
        write_text(self._out, text.getvalue())
