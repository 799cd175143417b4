"""Masks of polygons, pixel for pixel as the COCO tools draw them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rareseg.types import Window

__all__ = ["FARTHEST", "CocoPolygons"]

_SCALE = 5
"""Vertices are rounded to a fifth of a pixel, and edges walked in these steps, as ``rleFrPoly`` does."""

FARTHEST = 1e6
"""Pixels from the image's corner at which a vertex is taken for damage."""


class CocoPolygons:
    """One or more polygons of an annotation, each by even-odd, together by or.

    Every part's border is walked in steps of a fifth of a pixel (the algorithm of ``rleFrPoly`` in the COCO
    API's maskApi.c). Where it passes the middle of a column, the column changes between inside and outside.
    Only those passages are computed, so the cost does not grow with the length of an edge along a column.

    Args:
        parts: Lists of x, y, x, y, ... in pixels from the upper left corner of the image.
        shape: Rows and columns of the image.

    Raises:
        ValueError: A part is no such list; the text says what is wrong with it.

    Example:
        >>> square = CocoPolygons([[1, 1, 4, 1, 4, 3, 1, 3]], (4, 6))
        >>> square.paint(Window(0, 0, 4, 6)).astype(int).tolist()
        [[0, 0, 0, 0, 0, 0], [0, 1, 1, 1, 0, 0], [0, 1, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0]]
    """

    def __init__(self, parts: Sequence[Any], shape: tuple[int, int]) -> None:
        self._shape = shape
        self._parts = [_vertices(part) for part in parts]
        if not self._parts:
            raise ValueError("has an empty segmentation; draw it or remove the annotation")
        lowest = np.min([part.min(axis=0) for part in self._parts], axis=0)
        highest = np.max([part.max(axis=0) for part in self._parts], axis=0)
        height, width = shape
        left, top = (int(max(0, np.floor(value) - 1)) for value in lowest)
        right, bottom = min(width, int(highest[0]) + 2), min(height, int(highest[1]) + 2)
        self.box = Window(top, left, max(bottom - top, 0), max(right - left, 0))
        """What no pixel lies outside of."""

    @property
    def area(self) -> float:
        """Sum of the parts' areas in pixels, also where they reach outside the image."""
        return sum(_area(part) for part in self._parts)

    def paint(self, window: Window) -> NDArray[np.bool_]:
        """Which pixels of a window inside the image belong to it: ``(h, w)``."""
        painted = np.zeros((window.height, window.width), np.bool_)
        for part in self._parts:
            painted |= _paint_part(part, self._shape, window)
        return painted


def _vertices(part: Any) -> NDArray[np.float64]:
    """``(k, 2)`` x and y."""
    if not isinstance(part, list) or not all(type(value) in (int, float) for value in part):
        raise ValueError("should be lists of x, y, x, y, ... as polygons; draw it anew")
    if len(part) < 6 or len(part) % 2:
        raise ValueError(
            f"has a polygon of {len(part)} numbers, but three or more pairs of x and y were expected; draw it "
            "anew or remove it"
        )
    try:
        points = np.array(part, np.float64).reshape(-1, 2)
    except OverflowError:
        points = np.full((1, 2), np.inf)
    if not (np.abs(points) <= FARTHEST).all():
        raise ValueError("has a vertex that is infinite or a million pixels away; mend or remove it")
    return points


def _area(points: NDArray[np.float64]) -> float:
    """By the shoelace formula."""
    x, y = points.T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def _paint_part(points: NDArray[np.float64], shape: tuple[int, int], window: Window) -> NDArray[np.bool_]:
    cols, rows = _passages(points, shape, window)
    # A row of each column is kept for passages below the window, which change nothing inside.
    height = window.height + 1
    places = (cols - window.col) * height + np.clip(rows - window.row, 0, window.height)
    changes = np.bincount(places, minlength=window.width * height).reshape(window.width, height)
    inside: NDArray[np.bool_] = (np.cumsum(changes[:, :-1], axis=1) & 1).astype(np.bool_).T
    return inside


def _passages(
    points: NDArray[np.float64], shape: tuple[int, int], window: Window
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Column and first row below each passage of the border through the middle of one of the window's columns."""
    # Casts cut towards zero, as those of the original do.
    start = (_SCALE * points + 0.5).astype(np.int64)
    end = np.roll(start, -1, axis=0)
    steep = np.abs(end[:, 0] - start[:, 0]) < np.abs(end[:, 1] - start[:, 1])
    backwards = np.where(steep, start[:, 1] > end[:, 1], start[:, 0] > end[:, 0])
    start, end = np.where(backwards[:, None], end, start), np.where(backwards[:, None], start, end)
    left = np.minimum(start[:, 0], end[:, 0])
    right = np.maximum(start[:, 0], end[:, 0])
    # A column's middle lies between its third and fourth step; both must be on the edge.
    first = np.maximum(-((2 - left) // _SCALE), window.col)
    last = np.minimum((right - 3) // _SCALE, window.col + window.width - 1)
    number = np.maximum(last - first + 1, 0)
    edge = np.repeat(np.arange(len(points)), number)
    cols = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number) + first[edge]
    steps = np.where(
        steep[edge],
        _rows_of_steep(start[edge], end[edge], cols),
        _rows_of_flat(start[edge], end[edge], cols),
    )
    rows = np.ceil(np.clip((steps + 0.5) / _SCALE - 0.5, 0, shape[0])).astype(np.int64)
    return cols, rows


def _rows_of_flat(
    start: NDArray[np.int64], end: NDArray[np.int64], cols: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The higher of the two steps beside the middle of a column, on edges with a step for each x."""
    slope = (end[:, 1] - start[:, 1]) / np.maximum(end[:, 0] - start[:, 0], 1)
    before = _SCALE * cols + 2 - start[:, 0]
    steps: NDArray[np.int64] = np.minimum(
        (start[:, 1] + slope * before + 0.5).astype(np.int64),
        (start[:, 1] + slope * (before + 1) + 0.5).astype(np.int64),
    )
    return steps


def _rows_of_steep(
    start: NDArray[np.int64], end: NDArray[np.int64], cols: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The last step before the middle of a column is passed, on edges with a step for each y."""
    length = np.maximum(end[:, 1] - start[:, 1], 1)
    slope = (end[:, 0] - start[:, 0]) / length
    rising = slope > 0
    middle = _SCALE * cols + 2
    near = np.floor((middle + 0.5 - start[:, 0]) / np.where(slope == 0, 1, slope))
    # Which of the steps around it is the last one is decided by the rounding that the original does.
    best = np.zeros_like(cols)
    for offset in (-2, -1, 0, 1, 2):
        step = np.clip(near + offset, 0, length).astype(np.int64)
        x = (start[:, 0] + slope * step + 0.5).astype(np.int64)
        before = np.where(rising, x <= middle, x > middle)
        best = np.maximum(best, np.where(before, step, 0))
    return start[:, 1] + best
