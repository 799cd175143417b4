"""Windows of a compressed TIFF: only the tiles or strips that a window touches are decoded, and few of them twice."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rareseg.data.tiff_file import band_axis, opened_tiff, raw_pixels, target_type
from rareseg.types import Window

__all__ = ["TiffWindows"]

_CACHE_BYTES = 1 << 28
"""Of decoded tiles and strips that are kept. Strips go over the full width, so that each tile of an image needs them
again: a row of tiles of 40 000 columns with three bands of 8 bits is 150 MB."""


class _Layout(NamedTuple):
    """How the pieces of a file lie in the image."""

    height: int
    width: int
    num_bands: int
    piece: tuple[int, int]
    """Rows and columns of a piece."""
    pages: int
    planes: int
    """Bands that each have pieces of their own within a page."""


class TiffWindows:
    """Reads windows of one TIFF, in memory that does not grow with the image.

    Uncompressed files are mapped. Files whose pieces do not form such a grid are decoded whole, once.

    Args:
        path: A file that tifffile reads, see `is_pillow_tiff`.

    Example:
        >>> import tempfile
        >>> import tifffile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "a.tif"
        ...     tifffile.imwrite(path, np.arange(600).reshape(20, 30).astype(np.uint16), compression="zlib")
        ...     TiffWindows(path).read(Window(2, 3, 1, 4)).tolist()
        [[[63, 64, 65, 66]]]
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._whole: NDArray[Any] | None = None
        self._cache: OrderedDict[tuple[int, int], NDArray[Any] | None] = OrderedDict()
        self._cached = 0

    def read(self, window: Window) -> NDArray[np.generic]:
        """Pixels ``(c, h, w)``, as `read_tiff_image` gives them.

        Raises:
            MissingFileError: The file is gone.
            UnreadableFileError: It is truncated, damaged or of an unknown compression.
        """
        with opened_tiff(self._path) as series:
            dtype = target_type(series.dtype, self._path)
            layout = None if series.dataoffset is not None else _layout(series, self._path)
            if layout is not None:
                pixels = self._pieces(series, layout, window)
            else:
                if self._whole is None:
                    self._whole = raw_pixels(series, self._path, mapped=True)
                axis = band_axis(series, self._path)
                bands = self._whole[None] if axis is None else np.moveaxis(self._whole, axis, 0)
                pixels = bands[:, *window.slices]
            if pixels.dtype == np.bool_:
                pixels = pixels.astype(np.uint8) * np.uint8(255)
            return np.ascontiguousarray(pixels.astype(dtype))

    def _pieces(self, series: Any, layout: _Layout, window: Window) -> NDArray[Any]:
        found = np.zeros((layout.num_bands, window.height, window.width), series.dtype)
        tall, wide = layout.piece
        for page, number, bands, row, col in _touched(layout, window):
            piece = self._decoded(series, page, number)
            if piece is None:
                continue  # a hole, which GDAL writes for pieces of zeros
            top, left = max(row, window.row), max(col, window.col)
            bottom = min(row + min(tall, piece.shape[0]), window.row + window.height)
            right = min(col + min(wide, piece.shape[1]), window.col + window.width)
            part = piece[top - row : bottom - row, left - col : right - col]
            rows, cols = (
                slice(top - window.row, bottom - window.row),
                slice(left - window.col, right - window.col),
            )
            found[bands, rows, cols] = np.moveaxis(part, 2, 0)
        return found

    def _decoded(self, series: Any, page: int, number: int) -> NDArray[Any] | None:
        """A piece ``(h, w, samples)``."""
        key = (page, number)
        if key not in self._cache:
            offset, length = (
                series.pages[page].dataoffsets[number],
                series.pages[page].databytecounts[number],
            )
            frame = series.keyframe
            piece = None
            if length:
                handle = frame.parent.filehandle
                handle.seek(offset)
                data = handle.read(length)
                if len(data) < length:
                    raise ValueError("it ends before its last pixels")
                piece = frame.decode(data, number, jpegtables=frame.jpegtables, jpegheader=frame.jpegheader)[
                    0
                ]
                piece = piece.reshape(piece.shape[-3:])
            self._cache[key] = piece
            self._cached += 0 if piece is None else piece.nbytes
        self._cache.move_to_end(key)
        while self._cached > _CACHE_BYTES and len(self._cache) > 1:
            gone = self._cache.popitem(last=False)[1]
            self._cached -= 0 if gone is None else gone.nbytes
        return self._cache[key]


def _layout(series: Any, path: Path) -> _Layout | None:
    """The grid of pieces; None where bands and pages make none."""
    frame = series.keyframe
    height, width, samples = int(frame.imagelength), int(frame.imagewidth), int(frame.samplesperpixel)
    planes = samples if int(frame.planarconfig) == 2 else 1
    axis = band_axis(series, path)
    sizes = list(series.shape)
    num_bands = 1 if axis is None else sizes.pop(axis)
    is_grid = sizes == [height, width] and num_bands == samples * len(series.pages)
    if not is_grid or int(frame.imagedepth) != 1 or (samples > 1 and len(series.pages) > 1):
        return None
    if frame.is_tiled:
        piece = (int(frame.tilelength), int(frame.tilewidth))
    else:
        piece = (min(int(frame.rowsperstrip), height), width)
    return _Layout(height, width, num_bands, piece, len(series.pages), planes)


def _touched(layout: _Layout, window: Window) -> Iterator[tuple[int, int, slice, int, int]]:
    """Page, number, bands, first row and first column of each piece that a window needs."""
    tall, wide = layout.piece
    down, across = -(-layout.height // tall), -(-layout.width // wide)
    held = layout.num_bands // (layout.pages * layout.planes)
    rows = range(window.row // tall, (window.row + window.height - 1) // tall + 1)
    cols = range(window.col // wide, (window.col + window.width - 1) // wide + 1)
    for page, plane, row, col in product(range(layout.pages), range(layout.planes), rows, cols):
        number = (plane * down + row) * across + col
        first = (page + plane) * held
        yield page, number, slice(first, first + held), row * tall, col * wide
