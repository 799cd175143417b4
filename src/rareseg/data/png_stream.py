"""Indexed PNGs of any size, written a few rows at a time."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from rareseg.artefacts import atomic_path

__all__ = ["PngStream"]

_LEVEL = 6
_ROWS = 1 << 20
"""Pixels that are handed to zlib at once."""


class PngStream:
    """Writes class indices with a palette as they come; Pillow would need the whole map at once.

    As a context manager: the file appears when all rows are there, and not at all after an error. Rows are deflated
    without a filter, as is best for palettes (PNG specification, 12.7).

    Args:
        path: Where; folders are made.
        size: Rows and columns.
        palette: 768 bytes, red, green and blue of each index, from `ClassTable.palette`.
        scratch: Folder for the unfinished file, see `atomic_path`.

    Example:
        >>> import tempfile
        >>> from rareseg.data.image_file import read_mask_file
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "a.png"
        ...     with PngStream(path, (2, 3), bytes(768)) as stream:
        ...         stream.write(np.array([[0, 1, 255]], np.uint8))
        ...         stream.write(np.array([[2, 0, 0]], np.uint8))
        ...     read_mask_file(path).tolist()
        [[0, 1, 255], [2, 0, 0]]
    """

    def __init__(
        self, path: Path, size: tuple[int, int], palette: bytes, *, scratch: Path | None = None
    ) -> None:
        self._place = atomic_path(Path(path), scratch=scratch)
        self._size = size
        self._palette = palette
        self._row = 0

    def __enter__(self) -> Self:
        self._file = self._place.__enter__().open("wb")
        self._deflate = zlib.compressobj(_LEVEL)
        height, width = self._size
        self._file.write(b"\x89PNG\r\n\x1a\n")
        # Eight bits, kind 3 (palette), the only compression and filter method there are, not interlaced.
        self._chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
        self._chunk(b"PLTE", self._palette)
        return self

    def write(self, rows: NDArray[np.uint8]) -> None:
        """The next rows ``(n, w)``."""
        width = self._size[1]
        assert rows.shape[1] == width, "rows are as wide as the image"
        step = max(1, _ROWS // width)
        for first in range(0, len(rows), step):
            part = rows[first : first + step]
            # A byte in front of each row says that it has no filter.
            lines = np.zeros((len(part), width + 1), np.uint8)
            lines[:, 1:] = part
            self._data(self._deflate.compress(lines.data))
        self._row += len(rows)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            assert self._row == self._size[0], "all rows are written"
            self._data(self._deflate.flush())
            self._chunk(b"IEND", b"")
        self._file.close()
        self._place.__exit__(kind, error, trace)

    def _data(self, deflated: bytes) -> None:
        if deflated:
            self._chunk(b"IDAT", deflated)

    def _chunk(self, name: bytes, data: bytes) -> None:
        self._file.write(struct.pack(">I", len(data)) + name + data)
        self._file.write(struct.pack(">I", zlib.crc32(data, zlib.crc32(name))))
