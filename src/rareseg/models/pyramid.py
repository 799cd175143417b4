"""The way down of a U-Net, whatever its blocks are."""

from __future__ import annotations

from collections.abc import Iterable

from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["pyramid"]


def pyramid(blocks: Iterable[nn.Module], pool: nn.Module, image: Float[Tensor, "b c h w"]) -> list[Tensor]:
    """Feature maps of every level, finest first.

    Args:
        blocks: One block a level, finest first.
        pool: What brings a map down to the size of the next level.
        image: What goes into the first block.

    Example:
        >>> import torch
        >>> maps = pyramid([nn.ReLU()] * 3, nn.MaxPool2d(2), torch.zeros(1, 1, 8, 8))
        >>> [tuple(features.shape[2:]) for features in maps]
        [(8, 8), (4, 4), (2, 2)]
    """
    maps: list[Tensor] = []
    for block in blocks:
        maps.append(block(pool(maps[-1]) if maps else image))
    return maps
