"""Histogram of bytes, read two at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["byte_histogram"]

# Bytes handled at once: `numpy.bincount` widens its input eightfold, and this keeps that inside the caches.
_BLOCK = 1 << 19
# Below this size the pairs' table costs more than it saves.
_SMALL = 1 << 16


def byte_histogram(values: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count how often each byte occurs.

    In long arrays two bytes are read as one 16-bit number: half the increments, which the time goes to.

    Args:
        values: ``(n,)`` contiguous uint8.

    Returns:
        ``(256,)``.

    Example:
        >>> byte_histogram(np.array([3, 3, 7], np.uint8))[[3, 7]].tolist()
        [2, 1]
    """
    if values.size < _SMALL:
        return np.bincount(values, minlength=256)
    even = values.size // 2 * 2
    pairs = np.zeros(1 << 16, np.int64)
    for start in range(0, even, _BLOCK):
        block = values[start : min(start + _BLOCK, even)]
        pairs += np.bincount(block.view(np.uint16), minlength=1 << 16)
    table = pairs.reshape(256, 256)
    counts: NDArray[np.int64] = table.sum(axis=0) + table.sum(axis=1)
    if even < values.size:
        counts[values[-1]] += 1
    return counts
