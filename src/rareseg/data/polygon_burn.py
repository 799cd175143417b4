"""Polygons as pixels, the same in a window as in the whole image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rareseg.types import Window

__all__ = ["Points", "covered_pixels"]

Points = NDArray[np.float64]
"""Corners of a ring, ``(n, 2)``: column and row in pixels from the outer corner of the first pixel."""


class _Edges(NamedTuple):
    """Edges from their upper to their lower end, so that neighbours which share one agree on its pixels."""

    top: Points
    bottom: Points


def covered_pixels(
    rings: Sequence[Points], window: Window, *, all_touched: bool = False
) -> NDArray[np.bool_]:
    """Pixels of a window that belong to a polygon.

    A pixel belongs to it if its centre lies inside; a centre on the border does where the inside is to its right
    or below it. Places are worked out in coordinates of the whole image, so that a window gives bit for bit what
    the whole gives there. Rings count by the even-odd rule, so that inner rings are holes in either
    direction.

    Args:
        rings: Outer and inner rings; the last corner may repeat the first.
        window: The part of the image.
        all_touched: Whether all pixels count that the polygon or its border touches.

    Returns:
        ``(h, w)``.

    Example:
        >>> square = np.array([[1, 0], [3, 0], [3, 1.4], [1, 1.4]])
        >>> covered_pixels([square], Window(0, 0, 2, 4)).astype(int).tolist()
        [[0, 1, 1, 0], [0, 0, 0, 0]]
        >>> covered_pixels([square], Window(1, 1, 1, 2), all_touched=True).tolist()
        [[True, True]]
    """
    edges = _edges(rings)
    inside = _inside(edges, window)
    return inside | _touched(edges, window) if all_touched else inside


def _edges(rings: Sequence[Points]) -> _Edges:
    starts = np.concatenate(list(rings))
    ends = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])
    down = (starts[:, 1] < ends[:, 1]) | ((starts[:, 1] == ends[:, 1]) & (starts[:, 0] <= ends[:, 0]))
    down = down[:, None]
    return _Edges(np.where(down, starts, ends), np.where(down, ends, starts))


def _inside(edges: _Edges, window: Window) -> NDArray[np.bool_]:
    """Centres with an odd number of edges to their left."""
    first = np.clip(np.ceil(edges.top[:, 1] - 0.5), window.row, window.row + window.height)
    last = np.clip(np.ceil(edges.bottom[:, 1] - 0.5), window.row, window.row + window.height)
    edge, row = _rows(first, last)
    x = _crossing(edges, edge, row.astype(np.float64) + 0.5)
    col = np.clip(np.ceil(x - 0.5), window.col, window.col + window.width).astype(np.int64) - window.col
    crossings = np.zeros((window.height, window.width + 1), np.uint8)
    np.bitwise_xor.at(crossings, (row - window.row, col), 1)
    return np.bitwise_xor.accumulate(crossings[:, :-1], axis=1).astype(np.bool_)


def _touched(edges: _Edges, window: Window) -> NDArray[np.bool_]:
    """Pixels that an edge passes through: in each row of pixels a stretch of columns."""
    bottom, right = window.row + window.height, window.col + window.width
    first = np.clip(np.floor(edges.top[:, 1]), window.row, bottom)
    last = np.clip(np.floor(edges.bottom[:, 1]) + 1, window.row, bottom)
    edge, row = _rows(first, last)
    upper = np.maximum(edges.top[edge, 1], row)
    lower = np.minimum(edges.bottom[edge, 1], row + 1.0)
    ends = np.stack([_crossing(edges, edge, upper), _crossing(edges, edge, lower)])
    level = edges.top[edge, 1] == edges.bottom[edge, 1]
    ends = np.where(level, np.stack([edges.top[edge, 0], edges.bottom[edge, 0]]), ends)
    start = np.clip(np.floor(ends.min(axis=0)), window.col, right).astype(np.int64) - window.col
    end = np.clip(np.floor(ends.max(axis=0)) + 1, window.col, right).astype(np.int64) - window.col
    steps = np.zeros((window.height, window.width + 1), np.int32)
    np.add.at(steps, (row - window.row, start), 1)
    np.add.at(steps, (row - window.row, end), -1)
    return np.asarray(np.cumsum(steps, axis=1)[:, :-1] > 0)


def _rows(
    first: NDArray[np.float64], last: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every row from ``first`` to before ``last`` of every edge, as (edge, row)."""
    number = np.maximum(last - first, 0).astype(np.int64)
    edge = np.repeat(np.arange(len(number)), number)
    place = np.arange(len(edge)) - np.repeat(np.cumsum(number) - number, number)
    return edge, first.astype(np.int64)[edge] + place


def _crossing(edges: _Edges, edge: NDArray[np.int64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Column at which edges cross heights."""
    (x1, y1), (x2, y2) = edges.top[edge].T, edges.bottom[edge].T
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        x = x1 + (y - y1) * ((x2 - x1) / (y2 - y1))
    # Rounding must not carry a crossing beyond the ends of its edge.
    clipped: NDArray[np.float64] = np.clip(
        np.where(np.isnan(x), x1, x), np.minimum(x1, x2), np.maximum(x1, x2)
    )
    return clipped
