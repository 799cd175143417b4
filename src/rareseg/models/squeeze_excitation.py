"""Squeeze and excitation: each channel weighed by what the whole image shows."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from rareseg.models.blocks import Multiply

__all__ = ["SqueezeExcitation"]

_FEWEST_HIDDEN = 4
"""With fewer hidden units than this a narrow level would hang on one or two ReLUs, which may never fire."""


class SqueezeExcitation(nn.Module):
    """Means of all channels, two fully connected layers and a sigmoid give each channel a factor (arXiv 1709.01507).

    The layers are 1 x 1 convolutions of a map of one pixel. An output pixel depends on the whole image.

    Args:
        channels: Channels that come in and go out.
        reduction: Hidden units are this much fewer than channels, but four at least.

    Example:
        >>> SqueezeExcitation(64, reduction=16).reduce
        Conv2d(64, 4, kernel_size=(1, 1), stride=(1, 1))
    """

    def __init__(self, channels: int, *, reduction: int = 16) -> None:
        super().__init__()
        hidden = max(_FEWEST_HIDDEN, channels // reduction)
        self.squeeze = nn.AdaptiveAvgPool2d(1)
        self.reduce = nn.Conv2d(channels, hidden, 1)
        self.relu = nn.ReLU(inplace=True)
        self.expand = nn.Conv2d(hidden, channels, 1)
        self.sigmoid = nn.Sigmoid()
        self.scale = Multiply()

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """The maps, each times a factor between 0 and 1."""
        factors = self.sigmoid(self.expand(self.relu(self.reduce(self.squeeze(features)))))
        scaled: Tensor = self.scale(features, factors)
        return scaled
