"""The attention gate: which pixels of a skip connection matter, asked of the map from below."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from rareseg.models.blocks import Add, Multiply

__all__ = ["AttentionGate"]


class AttentionGate(nn.Module):
    """Additive attention of Attention U-Net (arXiv 1804.03999, equations 1 and 2): a factor for each pixel.

    The paper brings the skip connection down to the size of the gating map and its factors back up; here the
    gating map has been brought up already, so that factors are made at full resolution.

    Args:
        channels: Channels of the skip connection.
        gating_channels: Channels of the map from below.

    Example:
        >>> import torch
        >>> AttentionGate(8, 16)(torch.zeros(1, 8, 4, 4), torch.zeros(1, 16, 4, 4)).shape
        torch.Size([1, 8, 4, 4])
    """

    def __init__(self, channels: int, gating_channels: int) -> None:
        super().__init__()
        hidden = max(1, channels // 2)
        self.of_skip = nn.Conv2d(channels, hidden, 1, bias=False)
        self.of_gating = nn.Conv2d(gating_channels, hidden, 1)
        self.add = Add()
        self.relu = nn.ReLU(inplace=True)
        self.factor = nn.Conv2d(hidden, 1, 1)
        self.sigmoid = nn.Sigmoid()
        self.scale = Multiply()

    def forward(
        self, skip: Float[Tensor, "b c h w"], gating: Float[Tensor, "b g h w"]
    ) -> Float[Tensor, "b c h w"]:
        """``skip`` with each pixel times a factor between 0 and 1."""
        hidden = self.relu(self.add(self.of_skip(skip), self.of_gating(gating)))
        scaled: Tensor = self.scale(skip, self.sigmoid(self.factor(hidden)))
        return scaled
