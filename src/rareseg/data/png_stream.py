"""PNGs of any size, indexed or of 16 bits of grey, written a few rows at a time."""

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
    """Writes class indices with a palette, or grey levels, as they come; Pillow would need the whole map at once.

    As a context manager: the file appears when all rows are there, and not at all after an error. Indices are deflated
    without a filter and grey levels as differences to the row above, as the PNG specification advises (12.7).

    Args:
        path: Where; folders are made.
        size: Rows and columns.
        palette: 768 bytes, red, green and blue of each index, from `ClassTable.palette`; None for 16 bits of grey.
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
        self, path: Path, size: tuple[int, int], palette: bytes | None, *, scratch: Path | None = None
    ) -> None:
        self._place = atomic_path(Path(path), scratch=scratch)
        self._size = size
        self._palette = palette
        self._row = 0
        self._above = np.zeros((1, 2 * size[1]), np.uint8)

    def __enter__(self) -> Self:
        self._file = self._place.__enter__().open("wb")
        self._deflate = zlib.compressobj(_LEVEL)
        height, width = self._size
        self._file.write(b"\x89PNG\r\n\x1a\n")
        # Bits, kind (3: palette, 0: grey), the only compression and filter method there are, not interlaced.
        depth, kind = (16, 0) if self._palette is None else (8, 3)
        self._chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
        if self._palette is not None:
            self._chunk(b"PLTE", self._palette)
        return self

    def write(self, rows: NDArray[np.uint8] | NDArray[np.uint16]) -> None:
        """The next rows ``(n, w)``: uint8 indices, or uint16 levels of grey."""
        width = self._size[1]
        assert rows.shape[1] == width, "rows are as wide as the image"
        step = max(1, _ROWS // width)
        for first in range(0, len(rows), step):
            self._data(self._deflate.compress(self._lines(rows[first : first + step]).data))
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

    def _lines(self, rows: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint8]:
        """Bytes of rows, each after one that names its filter: 0 for none, 2 for differences to the row above."""
        if self._palette is not None:
            return np.pad(rows.astype(np.uint8, copy=False), ((0, 0), (1, 0)))
        levels = np.ascontiguousarray(rows, dtype=">u2").view(np.uint8)
        joined = np.concatenate([self._above, levels])
        self._above = joined[-1:].copy()
        return np.pad(joined[1:] - joined[:-1], ((0, 0), (1, 0)), constant_values=2)

    def _data(self, deflated: bytes) -> None:
        if deflated:
            self._chunk(b"IDAT", deflated)

    def _chunk(self, name: bytes, data: bytes) -> None:
        self._file.write(struct.pack(">I", len(data)) + name + data)
        self._file.write(struct.pack(">I", zlib.crc32(data, zlib.crc32(name))))
