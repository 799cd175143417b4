"""Flips and quarter turns: changes that only reorder pixels."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Shaped
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["flip_and_turn"]


def flip_and_turn(batch: Shaped[Tensor, "b ..."], moves: NDArray[np.int64]) -> Shaped[Tensor, "b ..."]:
    """Reorder the pixels of every patch; values and number type stay as they are.

    Args:
        batch: Images ``(b, c, h, w)`` or masks ``(b, h, w)``.
        moves: ``(b, 3)``: whether rows and columns are mirrored (0 or 1), then the number of quarter turns.
    """
    patches = []
    for patch, (rows, cols, turns) in zip(batch, moves.tolist(), strict=True):
        axes = [axis for axis, mirrored in ((-2, rows), (-1, cols)) if mirrored]
        patches.append(torch.rot90(patch.flip(axes), turns, (-2, -1)))
    return torch.stack(patches)
