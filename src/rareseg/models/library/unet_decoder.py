"""The decoder of a U-Net for an encoder that is not its own."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from rareseg.models.blocks import ConvBlock, Join

__all__ = ["UNetDecoder"]


class UNetDecoder(nn.Module):
    """Doubles the size, joins the encoder's map, convolves twice; at full size there is nothing to join.

    Doubling repeats pixels (nearest), as is usual with encoders of classifiers.

    Args:
        encoder_channels: Of the encoder's maps, finest (half of the image's size) first.
        channels: Of each level of the decoder, coarsest first; as many as the encoder has maps.
        momentum: Share of the new batch in the running statistics of batch norm.

    Example:
        >>> import torch
        >>> decoder = UNetDecoder([16, 24], [8, 4], momentum=0.1)
        >>> decoder([torch.zeros(1, 16, 6, 6), torch.zeros(1, 24, 3, 3)]).shape
        torch.Size([1, 4, 12, 12])
    """

    def __init__(self, encoder_channels: Sequence[int], channels: Sequence[int], *, momentum: float) -> None:
        super().__init__()
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.join = Join()
        self.blocks = nn.ModuleList()
        *skips, incoming = encoder_channels
        for skip, width in zip([*reversed(skips), 0], channels, strict=True):
            self.blocks.append(ConvBlock(incoming + skip, width, momentum=momentum, eps=1e-3))
            incoming = width

    def forward(self, maps: list[Tensor]) -> Float[Tensor, "b c h w"]:
        """The finest features, twice the size of the first map."""
        # No starred assignment here: the compiler of torch 2.11 takes what it gives for a tuple.
        skips, features = list(maps[:-1]), maps[-1]
        for block in self.blocks:
            features = self.up(features)
            features = block(self.join(skips.pop(), features) if skips else features)
        return features
