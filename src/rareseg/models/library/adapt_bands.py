"""Filters of three colours for images of other bands."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["adapt_bands"]


def adapt_bands(filters: Float[Tensor, "n 3 h w"], bands: int) -> Float[Tensor, "n c h w"]:
    """Turn the first filters of a network for colour images into those for any number of bands.

    A single band takes the sum of the three, and gives what a grey image in three colours gave. Other numbers of
    bands take the filters in turn, times 3 / bands, which keeps the size of the sum. Both are what timm's
    ``adapt_input_conv`` and segmentation_models_pytorch do.

    Args:
        filters: Of the first convolution.
        bands: Bands of the image.

    Example:
        >>> adapt_bands(torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1), 4).flatten().tolist()
        [0.75, 1.5, 2.25, 0.75]
    """
    if bands == 3:
        return filters
    if bands == 1:
        return filters.sum(dim=1, keepdim=True)
    return filters[:, torch.arange(bands) % 3] * (3 / bands)
