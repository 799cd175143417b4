"""Atrous spatial pyramid pooling: one map seen at several scales side by side."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from rareseg.models.blocks import Concatenate
from rareseg.models.norm import NormName, build_norm

__all__ = ["ASPP"]


class ASPP(nn.Module):
    """A 1 x 1 convolution, dilated 3 x 3 ones and the mean of the image, joined by a 1 x 1 convolution.

    As in DeepLabv3 (arXiv 1706.05587, section 3.3), but for the norm of the image's mean: a map of one pixel has
    no statistics. An output pixel depends on the whole image.

    Args:
        in_channels: Channels that come in.
        out_channels: Channels of each branch and of the result.
        rates: Dilation of each of the 3 x 3 convolutions, in pixels of the map.
        norm: Batch or group norm.

    Example:
        >>> import torch
        >>> ASPP(8, 4, rates=(6, 12, 18), norm="group")(torch.zeros(1, 8, 5, 7)).shape
        torch.Size([1, 4, 5, 7])
    """

    def __init__(self, in_channels: int, out_channels: int, *, rates: Sequence[int], norm: NormName) -> None:
        super().__init__()
        self.branches = nn.ModuleList([_layer(in_channels, out_channels, norm)])
        for rate in rates:
            self.branches.append(_layer(in_channels, out_channels, norm, rate=rate))
        self.mean = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(in_channels, out_channels, 1), nn.ReLU(inplace=True)
        )
        self.concatenate = Concatenate()
        self.project = _layer((2 + len(rates)) * out_channels, out_channels, norm)

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        """Maps of the same size."""
        maps = [branch(features) for branch in self.branches]
        mean = self.mean(features).expand_as(maps[0])
        projected: Tensor = self.project(self.concatenate(*maps, mean))
        return projected


def _layer(in_channels: int, out_channels: int, norm: NormName, *, rate: int | None = None) -> nn.Sequential:
    """Convolution, norm and ReLU; 1 x 1 without a rate."""
    kernel, dilation, padding = (1, 1, 0) if rate is None else (3, rate, rate)
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel, padding=padding, dilation=dilation, bias=False),
        build_norm(norm, out_channels),
        nn.ReLU(inplace=True),
    )
