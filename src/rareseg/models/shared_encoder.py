"""One encoder, one decoder a class: One-vs-Rest at less than the cost of separate models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from rareseg.errors import OptionError
from rareseg.models.registry import MODELS

__all__ = ["SharedEncoder"]


class SharedEncoder(nn.Module):
    """Models with one output channel each, all reading the encoder of the first.

    A model that can be shared has ``encode(image)``, ``decode(features)`` and ``ENCODER``, the names of the
    modules that only ``encode`` uses; those of the other members are dropped. `ModelBuilder.shares_encoder` says
    which models can.

    Args:
        members: One model for each class that is looked for, each with one output channel.

    Raises:
        OptionError: The model does not say where its encoder ends.

    Example:
        >>> from rareseg.models.unet import UNet
        >>> model = SharedEncoder([UNet(3, 1, base_channels=2, depth=2) for _ in range(4)])
        >>> model(torch.zeros(1, 3, 8, 8)).shape
        torch.Size([1, 4, 8, 8])
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        first = members[0]
        if not all(hasattr(first, name) for name in ("encode", "decode", "ENCODER")):
            able = ", ".join(name for name in MODELS if MODELS[name].shares_encoder)
            raise OptionError(
                f"A shared encoder needs a model that separates encoder and decoder, but {type(first).__name__} "
                f"does not; choose one of the models {able}, or leave 'shared_encoder' out."
            )
        for member in members[1:]:
            for name in cast(Sequence[str], member.ENCODER):
                delattr(member, name)
        self.members = nn.ModuleList(members)
        self.in_channels = cast(int, first.in_channels)
        self.num_classes = len(members)
        self.stride = cast(int, first.stride)
        self.receptive_radius = cast(int | None, first.receptive_radius)

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """One channel a member, of a normalised image whose sizes are multiples of ``stride``."""
        features = self.members[0].encode(image)  # type: ignore[operator]  # checked when made
        return torch.cat([member.decode(features) for member in self.members], dim=1)  # type: ignore[operator]
