"""A segmenter and an image gate in one module, so that they are saved, moved and counted together."""

from __future__ import annotations

from typing import cast

from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["Gated"]


class Gated(nn.Module):
    """Answers as the segmenter does; ``gate`` is asked by itself, once an image.

    Args:
        segmenter: A model as `build_model` makes it.
        gate: A classifier of patches.
    """

    def __init__(self, segmenter: nn.Module, gate: nn.Module) -> None:
        super().__init__()
        self.segmenter = segmenter
        self.gate = gate
        self.in_channels = cast(int, segmenter.in_channels)
        self.num_classes = cast(int, segmenter.num_classes)
        self.stride = cast(int, segmenter.stride)
        self.receptive_radius = cast(int | None, segmenter.receptive_radius)

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """The segmenter's logits."""
        logits: Tensor = self.segmenter(image)
        return logits
