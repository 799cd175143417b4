"""Building blocks that models of this package share."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from rareseg.models.norm import NormName, build_norm

__all__ = ["Add", "Concatenate", "ConvBlock", "Join", "Multiply", "he_initialise"]


class ConvBlock(nn.Sequential):
    """Two 3 x 3 convolutions with one pixel of padding, each followed by a norm and ReLU; dropout at the end.

    Args:
        in_channels: Channels that come in.
        out_channels: Channels of both convolutions.
        norm: Batch or group norm.
        momentum: Share of the new batch in the running statistics of batch norm.
        eps: Added to the variance in the norm.
        dropout: Share of the values that become 0 while training.

    Example:
        >>> ConvBlock(3, 8)(torch.zeros(1, 3, 4, 4)).shape
        torch.Size([1, 8, 4, 4])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        norm: NormName = "batch",
        momentum: float = 0.1,
        eps: float = 1e-3,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        for number, channels in enumerate((in_channels, out_channels), start=1):
            self.add_module(f"conv{number}", nn.Conv2d(channels, out_channels, 3, padding=1))
            self.add_module(f"norm{number}", build_norm(norm, out_channels, momentum=momentum, eps=eps))
            self.add_module(f"relu{number}", nn.ReLU(inplace=True))
        if dropout:
            self.add_module("dropout", nn.Dropout(dropout))


# What follows is no more than an operator each; as modules they can be counted, see `cost_table`.


class Concatenate(nn.Module):
    """Puts maps of one size behind each other."""

    def forward(self, *maps: Float[Tensor, "b _ h w"]) -> Float[Tensor, "b _ h w"]:
        """Channels of the maps in their order."""
        return torch.cat(maps, dim=1)


class Join(Concatenate):
    """Puts the maps of skip connections before the map from below, which is the last."""


class Add(nn.Module):
    """Adds the map of a skip connection to the map that it was led around."""

    def forward(
        self, skip: Float[Tensor, "b c h w"], below: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b c h w"]:
        """The sum of both."""
        return skip + below


class Multiply(nn.Module):
    """Weighs maps by factors."""

    def forward(self, maps: Float[Tensor, ...], factors: Float[Tensor, ...]) -> Float[Tensor, ...]:
        """The product of both, whose sizes may be broadcast."""
        return maps * factors


def he_initialise(model: nn.Module) -> None:
    """Draw every convolution's weights from a normal distribution of variance 2 / inputs; biases are 0.

    ``inputs`` is the number of values that one output value is a sum of (arXiv 1502.01852).
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            area = 1
            for size, stride in zip(module.kernel_size, module.stride, strict=True):
                # A transposed convolution spreads its kernel over `stride` outputs.
                area *= size if isinstance(module, nn.Conv2d) else max(1, size // stride)
            inputs = module.in_channels // module.groups * area
            nn.init.normal_(module.weight, std=(2 / inputs) ** 0.5)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
