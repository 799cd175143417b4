"""The baseline: U-Net with batch norm, and plainer or other forms of it.

Source: arXiv 1505.04597; foil thesis, section 3.2.
"""

from __future__ import annotations

from typing import Self

from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor, nn

from rareseg.models.blocks import ConvBlock, Join, he_initialise
from rareseg.models.norm import NormName
from rareseg.models.pyramid import pyramid
from rareseg.models.receptive_radius import receptive_radius
from rareseg.models.registry import ModelSettings, register_model

__all__ = ["UNet"]


class UNetSettings(ModelSettings):
    """Options of `UNet`."""

    base_channels: int = Field(default=32, ge=1)
    """Maps of the first level; each level below has twice as many."""
    depth: int = Field(default=4, ge=1, le=8)
    """Number of poolings."""
    norm: NormName = "batch"
    """Batch norm, or group norm with up to eight groups, which takes its statistics from the whole image."""
    momentum: float = Field(default=0.1, gt=0, le=1)
    """Share of the new batch in the running statistics of batch norm."""
    eps: float = Field(default=1e-3, gt=0)
    """Added to the variance in the norm."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of the values that become 0 at the end of each block while training."""

    @model_validator(mode="after")
    def _momentum_is_of_batch_norm(self) -> Self:
        if self.norm != "batch" and "momentum" in self.model_fields_set:
            raise ValueError("'momentum' is of batch norm, but 'norm' is 'group'; leave one of them out")
        return self


class UNet(nn.Module):
    """U-Net (arXiv 1505.04597) with padded convolutions, batch norm and a 3 x 3 last convolution.

    Two 3 x 3 convolutions a level, 2 x 2 max pooling downwards, 2 x 2 transposed convolutions that halve the
    channels upwards, and the encoder's map concatenated at each level. Weights start as in the U-Net paper
    (normal, variance 2 / inputs). The convolutions keep their bias, as Table B1 of the thesis counts it. With a
    depth of 2 it is the two-level network of the Mars report of team Camal, whose other form has group norm and
    dropout.

    Args:
        in_channels: Bands of the image.
        num_classes: Channels of the logits.
        base_channels: Maps of the first level.
        depth: Number of poolings.
        norm: Batch or group norm; with group norm an output pixel depends on the whole image.
        momentum: Share of the new batch in the running statistics of batch norm.
        eps: Added to the variance in the norm.
        dropout: Share of the values that become 0 at the end of each block while training.

    Example:
        >>> import torch
        >>> model = UNet(3, 5, base_channels=4)
        >>> model.stride, model.receptive_radius
        (16, 108)
        >>> model(torch.zeros(1, 3, 32, 48)).shape
        torch.Size([1, 5, 32, 48])
    """

    ENCODER = ("encoder", "pool", "bottom")
    """Modules that only `encode` uses."""

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        base_channels: int = 32,
        depth: int = 4,
        norm: NormName = "batch",
        momentum: float = 0.1,
        eps: float = 1e-3,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        widths = [base_channels * 2**level for level in range(depth + 1)]
        self.in_channels = in_channels
        self.num_classes = num_classes
        self.stride = 2**depth
        self.receptive_radius = (
            receptive_radius(lambda first, last: _reads(depth, first, last), stride=self.stride)
            if norm == "batch"
            else None
        )

        def block(incoming: int, width: int) -> ConvBlock:
            return ConvBlock(incoming, width, norm=norm, momentum=momentum, eps=eps, dropout=dropout)

        self.encoder = nn.ModuleList()
        self.decoder = nn.ModuleList()
        self.up = nn.ModuleList()
        incoming = in_channels
        for width in widths[:-1]:
            self.encoder.append(block(incoming, width))
            self.up.append(nn.ConvTranspose2d(2 * width, width, 2, stride=2))
            self.decoder.append(block(2 * width, width))
            incoming = width
        self.pool = nn.MaxPool2d(2)
        self.bottom = block(incoming, widths[-1])
        self.join = Join()
        self.head = nn.Conv2d(base_channels, num_classes, 3, padding=1)
        he_initialise(self)

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """Logits of a normalised image whose height and width are multiples of ``stride``."""
        return self.decode(self.encode(image))

    def encode(self, image: Float[Tensor, "b c h w"]) -> list[Tensor]:
        """Feature maps of every level, finest first."""
        return pyramid([*self.encoder, self.bottom], self.pool, image)

    def decode(self, maps: list[Tensor]) -> Float[Tensor, "b k h w"]:
        """Logits from the maps of `encode`."""
        features = maps[-1]
        for level in reversed(range(len(maps) - 1)):
            features = self.decoder[level](self.join(maps[level], self.up[level](features)))
        logits: Tensor = self.head(features)
        return logits


@register_model("unet", UNetSettings, shares_encoder=True)
def _build_unet(settings: UNetSettings, in_channels: int, num_classes: int) -> UNet:
    options = settings.model_dump(exclude={"name"})
    return UNet(in_channels, num_classes, **options)


def _reads(depth: int, first: int, last: int) -> tuple[int, int]:
    """Input pixels that a stretch of output pixels depends on.

    The interval is followed from the last convolution down to the bottom and back up the encoder.
    """
    first, last = first - 1, last + 1  # the last convolution
    reach = []
    for _ in range(depth):
        first, last = first - 2, last + 2  # the decoder block reads the joined map
        reach.append((first, last))
        first, last = first // 2, last // 2  # the transposed convolution reads one pixel for two
    first, last = first - 2, last + 2
    for skip_first, skip_last in reversed(reach):
        first, last = min(2 * first, skip_first), max(2 * last + 1, skip_last)
        first, last = first - 2, last + 2  # the encoder block of this level
    return first, last
