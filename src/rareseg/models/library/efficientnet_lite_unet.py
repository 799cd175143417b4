"""U-Net with an encoder of EfficientNet-Lite, from scratch or with ImageNet weights.

Source: arXiv 1505.04597 and 1905.11946.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor, nn

from rareseg.models.blocks import he_initialise
from rareseg.models.library.efficientnet_lite import EfficientNetLite
from rareseg.models.library.lite_weights import load_imagenet_weights
from rareseg.models.library.unet_decoder import UNetDecoder
from rareseg.models.registry import ModelSettings, register_model

__all__ = ["EfficientNetLiteUNet"]

_DECODER_CHANNELS = (256, 128, 64, 32, 16)


class EfficientNetLiteUNetSettings(ModelSettings):
    """Options of `EfficientNetLiteUNet`."""

    variant: Literal[0, 1, 2] = 0
    """EfficientNet-Lite0, 1 or 2."""
    encoder_weights: Literal["imagenet"] | None = None
    """Weights that the encoder starts with; null for random ones."""
    depth: int = Field(default=5, ge=1, le=5)
    """Number of halvings."""
    decoder_channels: tuple[Annotated[int, Field(ge=1)], ...] | None = None
    """Maps of each level of the decoder, coarsest first; null for the last ``depth`` of 256, 128, 64, 32, 16."""
    momentum: float = Field(default=0.1, gt=0, le=1)
    """Share of the new batch in the running statistics of batch norm."""

    @model_validator(mode="after")
    def _one_number_a_level(self) -> Self:
        if self.decoder_channels is not None and len(self.decoder_channels) != self.depth:
            raise ValueError(
                f"'decoder_channels' has {len(self.decoder_channels)} numbers, but the decoder has"
                f" {self.depth} levels ('depth'); give one number a level"
            )
        return self


class EfficientNetLiteUNet(nn.Module):
    """U-Net (arXiv 1505.04597) whose encoder is EfficientNet-Lite (arXiv 1905.11946).

    A classifier's encoder is small, and weights from ImageNet know edges and textures before they see the first
    defect, which matters most where there are few of them. `Network` normalises bands to mean 0 and deviation 1
    of the training split; ImageNet weights are moved to that scale, see `fill_encoder`.

    Args:
        in_channels: Bands of the image.
        num_classes: Channels of the logits.
        variant: 0, 1 or 2.
        encoder_weights: ``imagenet`` (needs the extra ``pretrained``) or None for random weights.
        depth: Number of halvings.
        decoder_channels: Maps of each level of the decoder, coarsest first, ``depth`` of them.
        momentum: Share of the new batch in the running statistics of batch norm.

    Raises:
        MissingExtraError: ``imagenet`` is asked for and the package with the weights is not installed.

    Example:
        >>> import torch
        >>> model = EfficientNetLiteUNet(1, 4)
        >>> model.stride, model.receptive_radius
        (32, 519)
        >>> model(torch.zeros(1, 1, 64, 32)).shape
        torch.Size([1, 4, 64, 32])
    """

    ENCODER = ("encoder",)
    """Modules that only `encode` uses."""

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        variant: int = 0,
        encoder_weights: str | None = None,
        depth: int = 5,
        decoder_channels: Sequence[int] | None = None,
        momentum: float = 0.1,
    ) -> None:
        super().__init__()
        channels = _DECODER_CHANNELS[-depth:] if decoder_channels is None else decoder_channels
        self.in_channels = in_channels
        self.num_classes = num_classes
        self.stride = 2**depth
        self.encoder = EfficientNetLite(in_channels, variant=variant, depth=depth, momentum=momentum)
        self.decoder = UNetDecoder(self.encoder.channels, channels, momentum=momentum)
        self.head = nn.Conv2d(channels[-1], num_classes, 3, padding=1)
        self.receptive_radius = _receptive_radius(self.encoder, depth)
        he_initialise(self)
        if encoder_weights is not None:
            load_imagenet_weights(self.encoder)

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """Logits of a normalised image whose height and width are multiples of ``stride``."""
        return self.decode(self.encode(image))

    def encode(self, image: Float[Tensor, "b c h w"]) -> list[Tensor]:
        """Feature maps of every resolution, finest first."""
        maps: list[Tensor] = self.encoder(image)
        return maps

    def decode(self, maps: list[Tensor]) -> Float[Tensor, "b k h w"]:
        """Logits from the maps of `encode`."""
        logits: Tensor = self.head(self.decoder(maps))
        return logits


@register_model("efficientnet_lite_unet", EfficientNetLiteUNetSettings, shares_encoder=True)
def _build(
    settings: EfficientNetLiteUNetSettings, in_channels: int, num_classes: int
) -> EfficientNetLiteUNet:
    options = settings.model_dump(exclude={"name"})
    return EfficientNetLiteUNet(in_channels, num_classes, **options)


def _receptive_radius(encoder: EfficientNetLite, depth: int) -> int:
    """Furthest input pixel, along one axis, that an output pixel depends on; the worst over all phases.

    The interval of rows that one output row reads is followed through the decoder down to the coarsest map, and
    from there through the encoder up to the image; on the way up, what a skip connection reads joins in.
    """
    radius = 0
    for phase in range(2**depth):
        low, high = phase - 1, phase + 1  # the last convolution
        reach = []
        for _ in range(depth):
            low, high = low - 2, high + 2  # the decoder's block
            reach.append((low, high))
            low, high = low // 2, high // 2  # a repeated pixel is read once for two
        for level in reversed(range(depth)):
            low, high = encoder.span(level, low, high)
            if level:
                low, high = min(low, reach[level][0]), max(high, reach[level][1])
        radius = max(radius, phase - low, high - phase)
    return radius
