"""The image gate: a small classifier that says whether a patch holds anything but background."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from rareseg.models.blocks import ConvBlock, he_initialise

__all__ = ["GateNet"]


class GateNet(nn.Module):
    """Convolutions and poolings like the encoder of a U-Net, then one number for the whole patch.

    The last map is pooled by its mean and its maximum, side by side: a defect of a few pixels vanishes in a mean.
    The gate of the Severstal report is a ResNet-50 with the mean alone, on whole strips.

    Args:
        in_channels: Bands of the image.
        base_channels: Maps of the first level; each level below has twice as many.
        depth: Number of poolings.

    Example:
        >>> GateNet(3, base_channels=2, depth=2)(torch.zeros(5, 3, 16, 16)).shape
        torch.Size([5, 1])
    """

    def __init__(self, in_channels: int, *, base_channels: int = 16, depth: int = 4) -> None:
        super().__init__()
        self.in_channels = in_channels
        layers: list[nn.Module] = []
        incoming = in_channels
        for level in range(depth + 1):
            width = base_channels * 2**level
            if level:
                layers.append(nn.MaxPool2d(2))
            layers.append(ConvBlock(incoming, width, momentum=0.1, eps=1e-3))
            incoming = width
        self.encoder = nn.Sequential(*layers)
        self.head = nn.Linear(2 * incoming, 1)
        he_initialise(self)

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 1"]:
        """Logit of 'this patch holds a class other than the background'."""
        features = self.encoder(image)
        pooled = torch.cat([features.mean(dim=(2, 3)), features.amax(dim=(2, 3))], dim=1)
        logit: Tensor = self.head(pooled)
        return logit
