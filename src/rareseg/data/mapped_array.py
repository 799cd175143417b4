"""An array in a file as numpy sees it, without loading the whole where that can be avoided."""

from __future__ import annotations

import threading
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rareseg.data.array_cache import array_cache, decompressed
from rareseg.data.array_file import ArrayPlace, reading_arrays

__all__ = ["MEMORY_LIMIT", "MappedArray"]

MEMORY_LIMIT = 256 << 20
"""Bytes up to which a compressed array is kept in memory; larger ones are decompressed into a file and mapped."""


class MappedArray:
    """Opened at first use, by one thread for all; pickled as its place, so that no process gets a copy.

    Args:
        place: Where the array lies.
        memory_limit: Bytes up to which a compressed array is kept in memory.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from rareseg.data.array_file import list_arrays
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "a.npz"
        ...     np.savez(path, images=np.arange(6).reshape(1, 2, 3))
        ...     array = MappedArray(list_arrays(path)["images"])
        ...     type(array.open()).__name__, array.open()[0, 1].tolist()
        ('memmap', [3, 4, 5])
    """

    def __init__(self, place: ArrayPlace, *, memory_limit: int = MEMORY_LIMIT) -> None:
        self.place = place
        self._memory_limit = memory_limit
        self._lock = threading.Lock()
        self._opened: NDArray[Any] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake, (self.place, self._memory_limit)

    def open(self) -> NDArray[Any]:
        """The array, read-only: a map of the file, or of the cache's file, or in memory if it is small.

        Raises:
            MissingFileError: The file has gone.
            UnreadableFileError: It is damaged.
            DataError: There is no room in the cache.
        """
        with self._lock:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def _open(self) -> NDArray[Any]:
        place = self.place
        if place.offset is None:
            if place.num_bytes > self._memory_limit:
                return decompressed(place, array_cache())
            return _load(place)
        order: Any = "F" if place.fortran else "C"
        with reading_arrays(place.path):
            if place.num_bytes == 0:
                return np.empty(place.shape, place.dtype, order)
            return np.memmap(place.path, place.dtype, "r", place.offset, place.shape, order)


def _remake(place: ArrayPlace, memory_limit: int) -> MappedArray:
    return MappedArray(place, memory_limit=memory_limit)


def _load(place: ArrayPlace) -> NDArray[Any]:
    """The values of a compressed member."""
    with (
        reading_arrays(place.path),
        zipfile.ZipFile(place.path) as archive,
        archive.open(str(place.member)) as packed,
    ):
        packed.read(place.header)
        flat = np.frombuffer(packed.read(place.num_bytes), place.dtype)
        return flat.reshape(place.shape, order="F" if place.fortran else "C")
