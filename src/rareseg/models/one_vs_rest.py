"""One model a class, side by side in one module: the binary models of the foil thesis (section 3.4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["OneVsRest"]


class OneVsRest(nn.Module):
    """Models with one output channel each, which share nothing but the image; their channels stand side by side.

    Args:
        members: One model for each class that is looked for, each with one output channel.

    Example:
        >>> from rareseg.models.unet import UNet
        >>> model = OneVsRest([UNet(3, 1, base_channels=2, depth=2) for _ in range(4)])
        >>> model(torch.zeros(1, 3, 8, 8)).shape
        torch.Size([1, 4, 8, 8])
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.in_channels = cast(int, members[0].in_channels)
        self.num_classes = len(members)
        self.stride = max(cast(int, member.stride) for member in members)
        radii = [cast(int | None, member.receptive_radius) for member in members]
        known = [radius for radius in radii if radius is not None]
        self.receptive_radius = max(known) if len(known) == len(radii) else None

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """One channel a member, of a normalised image whose sizes are multiples of ``stride``."""
        return torch.cat([member(image) for member in self.members], dim=1)
