"""Cut a window into strips of rows, so that no more than a part of a large image is in memory."""

from __future__ import annotations

from rareseg.types import Window

__all__ = ["strips"]

STRIP_VALUES = 1 << 24
"""Values (pixels times bands) of a strip; 128 MiB once they are float64."""


def strips(window: Window, *, num_bands: int, max_values: int = STRIP_VALUES) -> list[Window]:
    """Full-width strips from top to bottom, each of at most ``max_values`` values, or of one row.

    Example:
        >>> [strip.slices[0] for strip in strips(Window(0, 0, 5, 10), num_bands=2, max_values=40)]
        [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    rows = max(1, max_values // max(1, window.width * num_bands))
    return [
        Window(window.row + row, window.col, min(rows, window.height - row), window.width)
        for row in range(0, window.height, rows)
    ]
