"""The words that every room shares: Window, the ignore label, and the legend of shapes.

Shapes in signatures: ``b`` batch, ``c`` classes or bands, ``k`` classes, ``h`` rows, ``w`` columns.
``logits`` are ``(b, k, h, w)`` float; ``target`` is ``(b, h, w)`` integer class index, where
`IGNORE_INDEX` marks pixels that neither train nor count; ``mask`` is ``(h, w)`` uint8 in the same code;
``image`` is ``(c, h, w)`` in the file's own dtype. Positions are ``(row, col)``, zero-based, row first.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["IGNORE_INDEX", "Region", "Window"]

IGNORE_INDEX = 255
"""Class index of pixels that are left out of loss, counts and statistics."""


class Window(NamedTuple):
    """A rectangle of pixels: ``rows row .. row+height``, ``cols col .. col+width``.

    Example:
        >>> Window(0, 10, 4, 6).area
        24
    """

    row: int
    col: int
    height: int
    width: int

    @property
    def area(self) -> int:
        """Number of pixels."""
        return self.height * self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """Row and column slices, to cut the last two axes of an array."""
        return slice(self.row, self.row + self.height), slice(self.col, self.col + self.width)

    def shifted(self, rows: int, cols: int) -> Window:
        """The same rectangle moved by whole pixels."""
        return Window(self.row + rows, self.col + cols, self.height, self.width)


class Region(NamedTuple):
    """A rectangle of one sample: what splits, plans and evaluation deal in.

    Example:
        >>> Region("tile_07", Window(0, 0, 64, 128)).window.area
        8192
    """

    sample: str
    window: Window
