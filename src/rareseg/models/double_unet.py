"""Double U-Net: a second network that sees the image as the first one masked it.

Source: arXiv 2006.04558; Mars report of team Annamo.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from rareseg.models.aspp import ASPP
from rareseg.models.blocks import Concatenate, Join, Multiply, he_initialise
from rareseg.models.norm import build_norm
from rareseg.models.pyramid import pyramid
from rareseg.models.registry import ModelSettings, register_model
from rareseg.models.residual_block import ResidualBlock
from rareseg.models.squeeze_excitation import SqueezeExcitation

__all__ = ["DoubleUNet"]


class DoubleUNetSettings(ModelSettings):
    """Options of `DoubleUNet`."""

    base_channels: int = Field(default=32, ge=1)
    """Maps of the first level of each network; each level below has twice as many."""
    depth: int = Field(default=4, ge=1, le=8)
    """Levels of each encoder, with a pooling after each."""
    reduction: int = Field(default=16, ge=1)
    """A squeeze-and-excitation block has this much fewer hidden units than channels, but four at least."""
    rates: tuple[Annotated[int, Field(ge=1)], ...] = Field(default=(6, 12, 18), min_length=1)
    """Dilations of the pyramid pooling below the last level, in pixels of its map."""


class DoubleUNet(nn.Module):
    """Double U-Net (arXiv 2006.04558) as the Mars report of team Annamo adapts it, trained from scratch.

    From the document: two networks of one kind; four levels of residual blocks with group norm, each followed by
    `SqueezeExcitation`, that double the maps; `ASPP` at the bottom; a decoder that only scales up; the first
    network's prediction times the image goes into the second.

    What the document leaves open, and what stands here:

    - The prediction of several classes: sigmoids of the first network's logits, each times each band. With a
      single class that is the paper's product. Sigmoids serve all heads alike.
    - Scaling up: nearest neighbour, skip connections concatenated, then one 3 x 3 convolution with group norm and
      ReLU. The second decoder has the skip connections of both encoders, as in the paper.
    - The answer: both networks' logits side by side, as in the paper, then a 1 x 1 convolution.
    - Widths, and the paper's rates of dilation 6, 12 and 18. At a stride of 16 they reach past a small image,
      where the dilated convolutions see their middle pixel alone.

    An output pixel depends on the whole image.

    Args:
        in_channels: Bands of the image.
        num_classes: Channels of the logits.
        base_channels: Maps of the first level.
        depth: Levels of each encoder.
        reduction: Channels over hidden units of squeeze and excitation.
        rates: Dilations of the pyramid pooling.

    Example:
        >>> import torch
        >>> model = DoubleUNet(3, 5, base_channels=4)
        >>> model.stride, model.receptive_radius
        (16, None)
        >>> model(torch.zeros(1, 3, 32, 48)).shape
        torch.Size([1, 5, 32, 48])
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        base_channels: int = 32,
        depth: int = 4,
        reduction: int = 16,
        rates: Sequence[int] = (6, 12, 18),
    ) -> None:
        super().__init__()
        widths = [base_channels * 2**level for level in range(depth)]
        self.in_channels = in_channels
        self.num_classes = num_classes
        self.stride = 2**depth
        self.receptive_radius = None
        self.first = _Stage(in_channels, widths, skips=1, reduction=reduction, rates=rates)
        self.first_head = nn.Conv2d(base_channels, num_classes, 1)
        self.sigmoid = nn.Sigmoid()
        self.mask = Multiply()
        self.second = _Stage(num_classes * in_channels, widths, skips=2, reduction=reduction, rates=rates)
        self.second_head = nn.Conv2d(base_channels, num_classes, 1)
        self.concatenate = Concatenate()
        self.head = nn.Conv2d(2 * num_classes, num_classes, 1)
        he_initialise(self)

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """Logits of a normalised image whose height and width are multiples of ``stride``."""
        maps = self.first.encode(image)
        first = self.first_head(self.first.decode(maps, []))
        masked = self.mask(image[:, None], self.sigmoid(first)[:, :, None]).flatten(1, 2)
        second = self.second_head(self.second.decode(self.second.encode(masked), maps))
        logits: Tensor = self.head(self.concatenate(first, second))
        return logits


class _Stage(nn.Module):
    """One of the two networks, up to the maps that its logits are made from."""

    def __init__(
        self, in_channels: int, widths: Sequence[int], *, skips: int, reduction: int, rates: Sequence[int]
    ) -> None:
        super().__init__()
        self.encoder = nn.ModuleList(
            nn.Sequential(
                ResidualBlock(incoming, width, norm="group"), SqueezeExcitation(width, reduction=reduction)
            )
            for incoming, width in zip([in_channels, *widths], widths, strict=False)
        )
        self.pool = nn.MaxPool2d(2)
        self.bottom = ASPP(widths[-1], widths[-1], rates=rates, norm="group")
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.join = Join()
        self.decoder = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(skips * width + below, width, 3, padding=1, bias=False),
                build_norm("group", width),
                nn.ReLU(inplace=True),
            )
            for width, below in zip(widths, [*widths[1:], widths[-1]], strict=True)
        )

    def encode(self, image: Float[Tensor, "b c h w"]) -> list[Tensor]:
        """Feature maps of every level, finest first."""
        return pyramid(self.encoder, self.pool, image)

    def decode(self, maps: list[Tensor], others: list[Tensor]) -> Float[Tensor, "b d h w"]:
        """Maps of the first level from those of `encode`, with the other network's as further skip connections."""
        features = self.bottom(self.pool(maps[-1]))
        for level in reversed(range(len(maps))):
            skips = [*others[level : level + 1], maps[level]]
            features = self.decoder[level](self.join(*skips, self.up(features)))
        decoded: Tensor = features
        return decoded


@register_model("double_unet", DoubleUNetSettings)
def _build_double_unet(settings: DoubleUNetSettings, in_channels: int, num_classes: int) -> DoubleUNet:
    return DoubleUNet(in_channels, num_classes, **settings.model_dump(exclude={"name"}))
