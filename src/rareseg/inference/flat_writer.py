"""The format ``flat_csv``: one table with a row for each image and a column for each pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rareseg.artefacts import atomic_path
from rareseg.errors import DataError, OptionError
from rareseg.inference.label_writer import WRITERS, WriterOptions

__all__ = ["FlatWriter"]


@WRITERS.register("flat_csv")
class FlatWriter:
    """Collects a row for every image: its place in the input, from 0, and its pixels' class values, row by row.

    Contests that hand out test images as one array without names take such tables: ``id,0,1,...,8191`` for
    tiles of 64 x 128.

    Args:
        options: ``out`` is the file, ``columns`` the name of the first column, by default ``id``.

    Raises:
        OptionError: ``out`` is a folder, or more than one column is named.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from rareseg.data.labels import ClassTable
        >>> table = ClassTable.from_names(["background", "soil", "rock"])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     out = Path(folder) / "labels.csv"
        ...     writer = FlatWriter(WriterOptions(out, ("a", "b"), table))
        ...     writer.add("b", np.array([[0, 2], [2, 1]], np.uint8))
        ...     writer.add("a", np.zeros((2, 2), np.uint8))
        ...     writer.close()
        ...     print(out.read_text(), end="")
        id,0,1,2,3
        0,0,0,0,0
        1,0,2,2,1
    """

    def __init__(self, options: WriterOptions) -> None:
        columns = options.columns or ("id",)
        if len(columns) != 1 or not columns[0]:
            raise OptionError(
                f"--columns should name one column for flat_csv, that of the image's place, but names "
                f"{', '.join(columns)}; pixels are numbered from 0."
            )
        if options.out.is_dir():
            raise OptionError(
                f"'{options.out}' is a folder, but flat_csv writes one file; give another --out."
            )
        self._out = options.out
        self._column = columns[0]
        self._values = [str(value) for value in options.class_table.values]
        self._places = {image: place for place, image in enumerate(options.images)}
        self._first: tuple[str, tuple[int, ...]] | None = None
        self._maps: dict[int, bytes] = {}

    def add(self, image: str, labels: NDArray[np.uint8]) -> None:
        """Keep one label map.

        Raises:
            DataError: It is of another size than the first one.
        """
        if self._first is None:
            self._first = (image, labels.shape)
        name, shape = self._first
        if labels.shape != shape:
            raise DataError(
                f"'{image}' has {labels.shape[0]} x {labels.shape[1]} pixels, but '{name}' {shape[0]} x "
                f"{shape[1]}, and a row of flat_csv has as many cells as every other; predict them apart."
            )
        self._maps[self._places[image]] = labels.tobytes()

    def close(self) -> None:
        """Write the table, images in the order of the options."""
        num_pixels = len(next(iter(self._maps.values()), b""))
        with atomic_path(self._out) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.write(",".join([self._column, *map(str, range(num_pixels))]) + "\n")
            for place, flat in sorted(self._maps.items()):
                file.write(f"{place}," + ",".join(map(self._values.__getitem__, flat)) + "\n")
