"""Geometry of tiles and windows in whole pixels; nothing in here touches an image."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import OptionError
from rareseg.types import Window

__all__ = ["Tile", "clamp_window", "pad_to_multiple", "symmetric_indices", "tile_grid"]


class Tile(NamedTuple):
    """A piece of an image for tiled inference: ``read`` goes into the network, ``core`` of it is kept."""

    core: Window
    read: Window


def tile_grid(height: int, width: int, *, tile: int, halo: int, stride: int) -> list[Tile]:
    """Cut an image into tiles whose results, put together, equal those of the whole image.

    Cores partition the image, row by row. Each read window holds its core and ``halo`` pixels around it,
    starts and ends on multiples of ``stride``, and is cut at the edges of the image padded to a multiple of
    ``stride``, so that the network sees an edge only where the image has one.

    Args:
        height: Rows of the image.
        width: Columns of the image.
        tile: Rows and columns of a core; those at the lower and right edge may be smaller.
        halo: Pixels around a core that its result depends on.
        stride: Read windows start and end on its multiples.

    Raises:
        OptionError: A size is below 1, or the halo below 0.

    Example:
        >>> [tile.core.row for tile in tile_grid(10, 4, tile=4, halo=3, stride=2)]
        [0, 4, 8]
        >>> tile_grid(10, 4, tile=4, halo=3, stride=2)[1].read
        Window(row=0, col=0, height=10, width=4)
    """
    if min(height, width, tile, stride) < 1 or halo < 0:
        raise OptionError(
            "Height, width, tile and stride should be at least 1 and halo at least 0, but are "
            f"{height}, {width}, {tile}, {stride} and {halo}; give other sizes."
        )
    rows = _cut(height, tile, halo, stride)
    cols = _cut(width, tile, halo, stride)
    return [
        Tile(Window(row, col, rows_kept, cols_kept), Window(top, left, rows_read, cols_read))
        for row, rows_kept, top, rows_read in rows
        for col, cols_kept, left, cols_read in cols
    ]


def _cut(length: int, tile: int, halo: int, stride: int) -> list[tuple[int, int, int, int]]:
    """Start and length of core and of read window along one axis."""
    padded = _round_up(length, stride)
    pieces = []
    for start in range(0, length, tile):
        end = min(start + tile, length)
        first = max(0, start - halo) // stride * stride
        last = min(_round_up(end + halo, stride), padded)
        pieces.append((start, end - start, first, last - first))
    return pieces


def _round_up(value: int, stride: int) -> int:
    return -(-value // stride) * stride


def pad_to_multiple(height: int, width: int, stride: int) -> tuple[int, int]:
    """Smallest height and width that are multiples of ``stride`` and hold the image.

    Example:
        >>> pad_to_multiple(100, 64, 32)
        (128, 64)
    """
    return _round_up(height, stride), _round_up(width, stride)


def symmetric_indices(start: int, length: int, size: int) -> NDArray[np.intp]:
    """Positions ``start .. start + length`` of an axis of ``size``, mirrored at its ends as often as needed.

    The pixel at the edge is repeated, as numpy's padding mode ``symmetric`` does.

    Returns:
        ``(length,)`` positions in ``0 .. size``.

    Example:
        >>> symmetric_indices(-2, 7, 3).tolist()
        [1, 0, 0, 1, 2, 2, 1]
    """
    position = np.arange(start, start + length, dtype=np.intp) % (2 * size)
    return np.minimum(position, 2 * size - 1 - position)


def clamp_window(window: Window, height: int, width: int) -> Window:
    """The part of ``window`` that lies inside an image; its height or width is 0 where none does.

    Example:
        >>> clamp_window(Window(-2, 3, 5, 5), 10, 6)
        Window(row=0, col=3, height=3, width=3)
    """
    top, left = (min(max(start, 0), size) for start, size in ((window.row, height), (window.col, width)))
    bottom = min(max(window.row + window.height, top), height)
    right = min(max(window.col + window.width, left), width)
    return Window(top, left, bottom - top, right - left)
