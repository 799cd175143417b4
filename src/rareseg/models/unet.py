"""The baseline: U-Net as the foil thesis describes it in section 3.2."""

from __future__ import annotations

from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from rareseg.models.blocks import ConvBlock, Join, he_initialise
from rareseg.models.registry import ModelSettings, register_model

__all__ = ["UNet"]


class UNetSettings(ModelSettings):
    """Options of `UNet`."""

    base_channels: int = Field(default=32, ge=1)
    """Maps of the first level; each level below has twice as many."""
    depth: int = Field(default=4, ge=1, le=8)
    """Number of poolings."""
    momentum: float = Field(default=0.1, gt=0, le=1)
    """Share of the new batch in the running statistics of batch norm."""
    eps: float = Field(default=1e-3, gt=0)
    """Added to the variance in batch norm."""


class UNet(nn.Module):
    """U-Net (arXiv 1505.04597) with padded convolutions, batch norm and a 3 x 3 last convolution.

    Two 3 x 3 convolutions a level, 2 x 2 max pooling downwards, 2 x 2 transposed convolutions that halve the
    channels upwards, and the encoder's map concatenated at each level. Weights start as in the U-Net paper
    (normal, variance 2 / inputs). The convolutions keep their bias, as Table B1 of the thesis counts it.

    Args:
        in_channels: Bands of the image.
        num_classes: Channels of the logits.
        base_channels: Maps of the first level.
        depth: Number of poolings.
        momentum: Share of the new batch in the running statistics of batch norm.
        eps: Added to the variance in batch norm.

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
        momentum: float = 0.1,
        eps: float = 1e-3,
    ) -> None:
        super().__init__()
        widths = [base_channels * 2**level for level in range(depth + 1)]
        self.in_channels = in_channels
        self.num_classes = num_classes
        self.stride = 2**depth
        self.receptive_radius = _receptive_radius(depth)
        self.encoder = nn.ModuleList()
        self.decoder = nn.ModuleList()
        self.up = nn.ModuleList()
        incoming = in_channels
        for width in widths[:-1]:
            self.encoder.append(ConvBlock(incoming, width, momentum=momentum, eps=eps))
            self.up.append(nn.ConvTranspose2d(2 * width, width, 2, stride=2))
            self.decoder.append(ConvBlock(2 * width, width, momentum=momentum, eps=eps))
            incoming = width
        self.pool = nn.MaxPool2d(2)
        self.bottom = ConvBlock(incoming, widths[-1], momentum=momentum, eps=eps)
        self.join = Join()
        self.head = nn.Conv2d(base_channels, num_classes, 3, padding=1)
        he_initialise(self)

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """Logits of a normalised image whose height and width are multiples of ``stride``."""
        return self.decode(self.encode(image))

    def encode(self, image: Float[Tensor, "b c h w"]) -> list[Tensor]:
        """Feature maps of every level, finest first."""
        maps = []
        features = image
        for block in self.encoder:
            maps.append(block(features))
            features = self.pool(maps[-1])
        return [*maps, self.bottom(features)]

    def decode(self, maps: list[Tensor]) -> Float[Tensor, "b k h w"]:
        """Logits from the maps of `encode`."""
        features = maps[-1]
        for level in reversed(range(len(maps) - 1)):
            features = self.decoder[level](self.join(maps[level], self.up[level](features)))
        logits: Tensor = self.head(features)
        return logits


@register_model("unet", UNetSettings)
def _build_unet(settings: UNetSettings, in_channels: int, num_classes: int) -> UNet:
    options = settings.model_dump(exclude={"name"})
    return UNet(in_channels, num_classes, **options)


def _receptive_radius(depth: int) -> int:
    """Furthest input pixel, along one axis, that an output pixel depends on; the worst over all phases.

    Pooling and transposed convolution work on fixed pairs of pixels, so the reach depends on where a pixel
    lies within its block of ``2 ** depth``. The interval of pixels that it reads is followed from the last
    convolution down to the bottom and back up the encoder.
    """
    radius = 0
    for phase in range(2**depth):
        low, high = phase - 1, phase + 1  # the last convolution
        reach = []
        for _ in range(depth):
            low, high = low - 2, high + 2  # the decoder block reads the joined map
            reach.append((low, high))
            low, high = low // 2, high // 2  # the transposed convolution reads one pixel for two
        low, high = low - 2, high + 2
        for skip_low, skip_high in reversed(reach):
            low, high = min(2 * low, skip_low), max(2 * high + 1, skip_high)
            low, high = low - 2, high + 2  # the encoder block of this level
        radius = max(radius, phase - low, high - phase)
    return radius
