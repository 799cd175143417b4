"""Building blocks that models of this package share."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["ConvBlock", "Join", "he_initialise"]


class ConvBlock(nn.Sequential):
    """Two 3 x 3 convolutions with one pixel of padding, each followed by batch norm and ReLU.

    Args:
        in_channels: Channels that come in.
        out_channels: Channels of both convolutions.
        momentum: Share of the new batch in the running statistics of batch norm.
        eps: Added to the variance in batch norm.

    Example:
        >>> ConvBlock(3, 8, momentum=0.1, eps=1e-3)(torch.zeros(1, 3, 4, 4)).shape
        torch.Size([1, 8, 4, 4])
    """

    def __init__(self, in_channels: int, out_channels: int, *, momentum: float, eps: float) -> None:
        super().__init__()
        for number, channels in enumerate((in_channels, out_channels), start=1):
            self.add_module(f"conv{number}", nn.Conv2d(channels, out_channels, 3, padding=1))
            self.add_module(f"norm{number}", nn.BatchNorm2d(out_channels, momentum=momentum, eps=eps))
            self.add_module(f"relu{number}", nn.ReLU(inplace=True))


class Join(nn.Module):
    """Puts the map of a skip connection before the map from below; a module, so that it can be counted."""

    def forward(
        self, skip: Float[Tensor, "b c1 h w"], below: Float[Tensor, "b c2 h w"]
    ) -> Float[Tensor, "b c h w"]:
        """Channels of ``skip``, then of ``below``."""
        return torch.cat((skip, below), dim=1)


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
