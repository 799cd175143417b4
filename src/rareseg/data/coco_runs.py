"""Masks as run lengths of COCO: lists of numbers, or the text into which its tools compress them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rareseg.types import Window

__all__ = ["CocoRuns"]

_MOST_DIGITS = 7
"""Characters of 5 bits for one number: 35 bits are more than any image has pixels."""


class CocoRuns:
    """Lengths of runs of 0 and 1 in turn, 0 first, down the columns.

    Args:
        counts: A list of whole numbers, or their compressed text: each number in groups of 5 bits, lowest
            first, as characters from 48 on, with 32 added while more follow and the last group signed; from the
            fourth on, numbers are differences to the one before the last.
        size: Rows and columns that the annotation gives.
        shape: Rows and columns of the image.

    Raises:
        ValueError: The runs do not fill the image; the text says what is wrong.

    Example:
        >>> CocoRuns([2, 3, 1], [2, 3], (2, 3)).paint(Window(0, 0, 2, 3)).astype(int).tolist()
        [[0, 1, 1], [0, 1, 0]]
        >>> CocoRuns("231", [2, 3], (2, 3)).area
        3
    """

    def __init__(self, counts: Any, size: Any, shape: tuple[int, int]) -> None:
        if not isinstance(size, list) or [type(length) for length in size] != [int, int]:
            raise ValueError("has run lengths without a 'size' of two whole numbers; add it")
        if tuple(size) != shape:
            raise ValueError(
                f"has run lengths for {str(size[0])[:12]} x {str(size[1])[:12]} pixels, but its image has "
                f"{shape[0]} x {shape[1]}; export it anew"
            )
        lengths = _decompress(counts) if isinstance(counts, str) else _numbers(counts)
        total = shape[0] * shape[1]
        # Python sums without overflow.
        if (len(lengths) and lengths.min() < 0) or sum(lengths.tolist()) != total:
            raise ValueError(f"has run lengths that do not sum to its image's {total} pixels; export it anew")
        self._ends = np.cumsum(lengths)
        self._shape = shape
        self.area = int(lengths[1::2].sum())
        """Pixels that belong to it."""
        held = np.flatnonzero(lengths[1::2])
        first = last = 0
        if len(held):
            first = int(self._ends[2 * held[0]]) // shape[0]
            last = (int(self._ends[2 * held[-1] + 1]) - 1) // shape[0] + 1
        self.box = Window(0, first, shape[0], last - first)
        """What no pixel lies outside of."""

    def paint(self, window: Window) -> NDArray[np.bool_]:
        """Which pixels of a window inside the image belong to it: ``(h, w)``."""
        height = self._shape[0]
        start, stop = window.col * height, (window.col + window.width) * height
        ends = np.clip(self._ends, start, stop)
        lengths = np.diff(ends, prepend=start)
        values = np.arange(len(lengths)) % 2 == 1
        columns = np.repeat(values, lengths).reshape(window.width, height)
        return columns[:, window.row : window.row + window.height].T


def _numbers(counts: Any) -> NDArray[np.int64]:
    if not isinstance(counts, list) or not all(type(value) is int for value in counts):
        raise ValueError("has counts that are neither a list of whole numbers nor a text; export it anew")
    if not all(0 <= value < 1 << 40 for value in counts):
        raise ValueError("has a count that no image could have; export it anew")
    return np.array(counts, np.int64)


def _decompress(text: str) -> NDArray[np.int64]:
    groups = np.frombuffer(text.encode("utf-8", "replace"), np.uint8).astype(np.int64) - 48
    if len(groups) == 0:
        return groups
    if groups.min() < 0 or groups.max() > 63 or groups[-1] & 32:
        raise ValueError("has compressed run lengths that are cut off or no such text; export it anew")
    ends = np.flatnonzero((groups & 32) == 0)
    starts = np.concatenate([[0], ends[:-1] + 1])
    if (ends - starts).max() >= _MOST_DIGITS:
        raise ValueError("has compressed run lengths with a number that no image could have; export it anew")
    place = np.arange(len(groups)) - np.repeat(starts, ends - starts + 1)
    values: NDArray[np.int64] = np.add.reduceat((groups & 31) << (5 * place), starts)
    negative = (groups[ends] & 16) != 0
    values -= np.where(negative, np.int64(1) << (5 * (ends - starts + 1)), 0)
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values
