"""Pixels as runs down the columns of an image, which is how contests and COCO write them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from rareseg.types import IGNORE_INDEX

__all__ = ["ColumnRunCollector", "ColumnRuns"]


@dataclass(frozen=True, eq=False)
class ColumnRuns:
    """Runs in rising order that do not overlap.

    Attributes:
        starts: ``(n,)`` first pixel of each, counted down the columns from 0.
        lengths: ``(n,)`` pixels of each.
    """

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    def joined(self) -> Self:
        """The same pixels with runs that touch made one, also from the foot of a column to the head of the next.

        Example:
            >>> ColumnRuns(np.array([0, 4, 9]), np.array([4, 2, 1])).joined().lengths.tolist()
            [6, 1]
        """
        if not len(self.starts):
            return self
        ends = self.starts + self.lengths
        begins = np.append(True, self.starts[1:] != ends[:-1])
        last = np.append(np.flatnonzero(begins)[1:] - 1, len(ends) - 1)
        return type(self)(self.starts[begins], ends[last] - self.starts[begins])


class ColumnRunCollector:
    """Takes a label map strip by strip and gives the runs of each class at the end.

    Memory holds 17 bytes for each run of a strip.

    Args:
        size: Rows and columns of the whole map.

    Example:
        >>> collector = ColumnRunCollector((2, 2))
        >>> collector.add(np.array([[0, 1]], np.uint8))
        >>> collector.add(np.array([[1, 1]], np.uint8))
        >>> runs = collector.close(num_classes=2)[0]
        >>> runs.starts.tolist(), runs.lengths.tolist()
        ([1], [3])
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self._height = size[0]
        self._row = 0
        self._starts: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
        self._lengths: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
        self._labels: list[NDArray[np.uint8]] = [np.zeros(0, np.uint8)]

    def add(self, labels: NDArray[np.uint8]) -> None:
        """The next rows ``(n, w)``."""
        num_rows = len(labels)
        flat = np.ascontiguousarray(labels.T).reshape(-1)
        begins = np.empty(flat.size, bool)
        np.not_equal(flat[1:], flat[:-1], out=begins[1:])
        begins[::num_rows] = True
        starts = np.flatnonzero(begins)
        lengths = np.diff(starts, append=flat.size)
        kept = (flat[starts] != 0) & (flat[starts] != IGNORE_INDEX)
        col, row = np.divmod(starts[kept], num_rows)
        self._starts.append(col * self._height + row + self._row)
        self._lengths.append(lengths[kept])
        self._labels.append(flat[starts[kept]])
        self._row += num_rows

    def close(self, *, num_classes: int) -> list[ColumnRuns]:
        """Runs of every class but the background, ``num_classes - 1`` of them."""
        starts, lengths = np.concatenate(self._starts), np.concatenate(self._lengths)
        labels = np.concatenate(self._labels)
        order = np.argsort(starts, kind="stable")
        classes = ((order[labels[order] == index]) for index in range(1, num_classes))
        return [ColumnRuns(starts[own], lengths[own]).joined() for own in classes]
