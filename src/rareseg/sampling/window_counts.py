"""How many pixels of a kind any window holds, without looking at a mask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from rareseg.sampling.plan import Corners, PlanContext

__all__ = ["WindowCounts", "covered_pixels"]


class WindowCounts:
    """Summed-area tables of marked pixels, made once; the count of a window is four look-ups.

    A table covers only the box around a region's marked pixels, so rare classes cost little memory: 4 bytes for
    each pixel of the boxes, nothing for regions without a mark. Pixels outside a region are not counted.

    Args:
        marks: For each region ``(h, w)`` bool, or None where nothing is marked.
        patch_size: Rows and columns of the windows.

    Example:
        >>> mark = np.zeros((6, 6), bool)
        >>> mark[2:4, 3] = True
        >>> counts = WindowCounts([mark], (3, 4))
        >>> counts.count(Corners(np.array([0, 0]), np.array([0, 2]), np.array([0, 1]))).tolist()
        [1, 2]
    """

    def __init__(self, marks: Iterable[NDArray[np.bool_] | None], patch_size: tuple[int, int]) -> None:
        self._rows, self._cols = (np.array([[0], [side]], np.int64) for side in patch_size)
        tables, boxes, offset = [np.zeros(1, np.int32)], [], 1
        for mark in marks:
            box, table = (None, None) if mark is None else _box_and_table(mark)
            if box is None or table is None:
                boxes.append((0, 0, 0, 0, 0))
                continue
            boxes.append((*box, offset))
            tables.append(table.ravel())
            offset += table.size
        self._table = np.concatenate(tables)
        self._boxes = np.array(boxes, np.int64).reshape(-1, 5).T

    @classmethod
    def of_classes(cls, classes: Iterable[int], context: PlanContext) -> WindowCounts:
        """Count the pixels of some classes."""
        return cls(_paint(context, classes), context.patch_size)

    @classmethod
    def of_ignored(cls, context: PlanContext) -> WindowCounts:
        """Count ignored pixels."""
        return cls(_paint_ignored(context), context.patch_size)

    def count(self, corners: Corners) -> NDArray[np.int64]:
        """``(n,)`` marked pixels in each window."""
        top, left, height, width, offset = self._boxes[:, corners.region_index]
        # First and last edge as two rows of one array: for few windows a call costs more than its numbers.
        rows = np.minimum(np.maximum(corners.row + self._rows - top, 0), height) * (width + 1) + offset
        cols = np.minimum(np.maximum(corners.col + self._cols - left, 0), width)
        first, last = self._table[rows[:, None] + cols]
        return np.asarray(last[1] - last[0] - first[1] + first[0], np.int64)


def covered_pixels(corners: Corners, context: PlanContext) -> NDArray[np.int64]:
    """``(n,)`` pixels of its region that each window covers."""
    sizes = context.region_sizes[corners.region_index]
    start = np.stack([corners.row, corners.col], axis=1)
    inside = np.minimum(start + np.array(context.patch_size), sizes) - np.maximum(start, 0)
    return np.asarray(inside[:, 0] * inside[:, 1])


def _box_and_table(
    mark: NDArray[np.bool_],
) -> tuple[tuple[int, int, int, int], NDArray[np.int32]] | tuple[None, None]:
    """Top, left, height and width of the box around the marked pixels, and its summed-area table."""
    rows, cols = np.flatnonzero(mark.any(axis=1)), np.flatnonzero(mark.any(axis=0))
    if len(rows) == 0:
        return None, None
    top, left = int(rows[0]), int(cols[0])
    height, width = int(rows[-1]) + 1 - top, int(cols[-1]) + 1 - left
    table = np.zeros((height + 1, width + 1), np.int32)
    inner = table[1:, 1:]
    np.cumsum(mark[top : top + height, left : left + width], axis=1, out=inner)
    np.cumsum(inner, axis=0, out=inner)
    return (top, left, height, width), table


def _paint(context: PlanContext, classes: Iterable[int]) -> Iterator[NDArray[np.bool_] | None]:
    """Region by region, the mask of the pixels of some classes, painted from their runs."""
    runs = [context.locations.runs(number) for number in classes]
    if not runs:
        yield from (None for _ in context.regions)
        return
    region, start, length = (np.concatenate(values) for values in zip(*runs, strict=True))
    order = np.argsort(region, kind="stable")
    start, end = start[order], (start + length)[order]
    bounds = np.searchsorted(region[order], np.arange(len(context.regions) + 1))
    for number, place in enumerate(context.regions):
        part = slice(bounds[number], bounds[number + 1])
        if part.start == part.stop:
            yield None
            continue
        # Runs do not overlap, so one marks each start and each end at most once.
        steps = np.zeros(place.window.area + 1, np.int8)
        steps[start[part]] += 1
        steps[end[part]] -= 1
        yield np.cumsum(steps[:-1], dtype=np.int8).view(np.bool_).reshape(place.window[2:])


def _paint_ignored(context: PlanContext) -> Iterator[NDArray[np.bool_] | None]:
    """Region by region, the mask of pixels that are in no run."""
    for valid, place in zip(_paint(context, range(len(context.class_names))), context.regions, strict=True):
        yield np.ones(place.window[2:], np.bool_) if valid is None else ~valid
