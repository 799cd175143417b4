"""The basic block of a residual network."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from rareseg.models.blocks import Add
from rareseg.models.norm import NormName, build_norm

__all__ = ["ResidualBlock"]


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions with norms, led around by a shortcut, and ReLU (arXiv 1512.03385, figure 2).

    Where the number of channels changes, the shortcut is a 1 x 1 convolution with a norm (the paper's option B).

    Args:
        in_channels: Channels that come in.
        out_channels: Channels of both convolutions.
        norm: Batch or group norm.

    Example:
        >>> import torch
        >>> ResidualBlock(3, 8)(torch.zeros(1, 3, 4, 4)).shape
        torch.Size([1, 8, 4, 4])
    """

    def __init__(self, in_channels: int, out_channels: int, *, norm: NormName = "batch") -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
            build_norm(norm, out_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
            build_norm(norm, out_channels),
        )
        self.shortcut = nn.Sequential()
        if in_channels != out_channels:
            self.shortcut.append(nn.Conv2d(in_channels, out_channels, 1, bias=False))
            self.shortcut.append(build_norm(norm, out_channels))
        self.add = Add()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        """Maps of the same size."""
        summed: Tensor = self.relu(self.add(self.shortcut(features), self.body(features)))
        return summed
