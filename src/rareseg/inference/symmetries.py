"""Flips and quarter turns of whole batches, for test-time augmentation, and the way back."""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Shaped
from torch import Tensor

from rareseg.errors import UnknownNameError

__all__ = ["SYMMETRIES", "Symmetry", "symmetries"]


class Symmetry(NamedTuple):
    """Rows and columns exchanged first, then each axis reversed or not: one of the eight of the square.

    Example:
        >>> import torch
        >>> quarter_turn = Symmetry(True, False, True)
        >>> turned = quarter_turn.apply(torch.tensor([[1, 2], [3, 4]]))
        >>> turned.tolist(), quarter_turn.undo(turned).tolist()
        ([[3, 1], [4, 2]], [[1, 2], [3, 4]])
    """

    exchange: bool
    flip_rows: bool
    flip_cols: bool

    def apply(self, batch: Shaped[Tensor, "... h w"]) -> Shaped[Tensor, "... H W"]:
        """The batch moved; height and width change places with an exchange."""
        moved = batch.transpose(-1, -2) if self.exchange else batch
        return moved.flip(self._axes) if self._axes else moved

    def undo(self, batch: Shaped[Tensor, "... H W"]) -> Shaped[Tensor, "... h w"]:
        """A moved batch back in its place."""
        moved = batch.flip(self._axes) if self._axes else batch
        return moved.transpose(-1, -2) if self.exchange else moved

    @property
    def _axes(self) -> list[int]:
        return [axis for axis, flipped in ((-2, self.flip_rows), (-1, self.flip_cols)) if flipped]


_FLIPS = tuple(Symmetry(False, rows, cols) for rows in (False, True) for cols in (False, True))

SYMMETRIES: dict[str, tuple[Symmetry, ...]] = {
    "none": _FLIPS[:1],
    "flips": _FLIPS,
    "turns": (*_FLIPS, *(flip._replace(exchange=True) for flip in _FLIPS)),
}
"""Test-time augmentations by name: the image as it is; with its flips (4 passes); with its quarter turns too (8)."""


def symmetries(name: str) -> tuple[Symmetry, ...]:
    """Those of a test-time augmentation.

    Raises:
        UnknownNameError: There is none of this name.
    """
    if name not in SYMMETRIES:
        raise UnknownNameError("test-time augmentation", name, SYMMETRIES)
    return SYMMETRIES[name]
