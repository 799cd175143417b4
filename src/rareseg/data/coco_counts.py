"""Runs of pixels as the text into which COCO's tools compress them."""

from __future__ import annotations

import numpy as np

from rareseg.metrics.column_runs import ColumnRuns

__all__ = ["compress_runs"]


def compress_runs(runs: ColumnRuns, num_pixels: int) -> str:
    """The ``counts`` of a segmentation, see `CocoRuns` for the code.

    Args:
        runs: Joined runs of an image.
        num_pixels: Of the image.

    Example:
        >>> compress_runs(ColumnRuns(np.array([2]), np.array([3])), 6)
        '231'
    """
    bounds = np.stack([runs.starts, runs.starts + runs.lengths], axis=1).reshape(-1)
    lengths = np.diff(bounds, prepend=0, append=num_pixels)
    if lengths[-1] == 0:
        lengths = lengths[:-1]
    values = lengths.copy()
    # From the fourth number on, differences to the one before the last.
    values[3:] -= lengths[1:-2]
    text = bytearray()
    for value in values.tolist():
        more = True
        while more:
            group, value = value & 31, value >> 5
            more = value != (-1 if group & 16 else 0)
            text.append(48 + (group | 32 if more else group))
    return text.decode("ascii")
