"""Remove predicted regions that are too small to be believed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rareseg.metrics.components import find_components

__all__ = ["remove_small_regions"]


def remove_small_regions(labels: NDArray[np.uint8], smallest: Sequence[int]) -> NDArray[np.uint8]:
    """Turn regions of fewer pixels than their class asks for into background (class 0).

    A region is an 8-connected component of one class. A region of fewer than n pixels spans fewer than n rows and
    columns, so a window with a border of ``max(smallest)`` pixels around its core (less only where the image ends)
    holds all that is needed: inside the core the result equals that of the whole image.

    Args:
        labels: Class indices ``(h, w)``, not changed; indices beyond ``smallest`` (ignored pixels) stay.
        smallest: Least number of pixels of a region of each class; 0 and 1 keep all. The background's has no effect.

    Returns:
        ``(h, w)``.

    Example:
        >>> labels = np.array([[1, 0, 0, 2], [0, 1, 0, 2]], np.uint8)
        >>> remove_small_regions(labels, [0, 2, 3]).tolist()
        [[1, 0, 0, 0], [0, 1, 0, 0]]
    """
    least = np.zeros(256, np.int64)
    least[1 : len(smallest)] = smallest[1:]
    if labels.size == 0 or least.max() <= 1:
        return labels
    found = find_components(labels)
    small = (found.areas < least[found.values])[found.component]
    if not small.any():
        return labels
    values = np.where(small, 0, found.values[found.component]).astype(np.uint8)
    lengths = np.diff(found.starts, append=labels.size)
    return np.repeat(values, lengths).reshape(labels.shape)
