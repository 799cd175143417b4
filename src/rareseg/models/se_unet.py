"""U-Net that weighs channels on the way down and pixels on the way up.

Source: arXiv 1709.01507 and 1804.03999; Mars report of team Annamo.
"""

from __future__ import annotations

from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from rareseg.models.attention_gate import AttentionGate
from rareseg.models.blocks import Add, ConvBlock, he_initialise
from rareseg.models.pyramid import pyramid
from rareseg.models.registry import ModelSettings, register_model
from rareseg.models.squeeze_excitation import SqueezeExcitation

__all__ = ["SEUNet"]


class SEUNetSettings(ModelSettings):
    """Options of `SEUNet`."""

    base_channels: int = Field(default=32, ge=1)
    """Maps of the first level; each level below has twice as many."""
    depth: int = Field(default=4, ge=1, le=8)
    """Number of poolings."""
    reduction: int = Field(default=16, ge=1)
    """A squeeze-and-excitation block has this much fewer hidden units than channels, but four at least."""


class SEUNet(nn.Module):
    """U-Net with squeeze and excitation, attention gates and additive skips, after the Mars report of team Annamo.

    Every block of the encoder, the lowest included, is followed by a `SqueezeExcitation`. Upwards, the map from
    below, doubled by a 2 x 2 transposed convolution, is what an `AttentionGate` weighs the skip connection by; the
    two are added. The document leaves open the blocks (here two convolutions with batch norm and ReLU, as in the
    baseline), their number and width, the reduction (the paper's 16) and the last layer (1 x 1). An output pixel
    depends on the whole image.

    Args:
        in_channels: Bands of the image.
        num_classes: Channels of the logits.
        base_channels: Maps of the first level.
        depth: Number of poolings.
        reduction: Channels over hidden units of squeeze and excitation.

    Example:
        >>> import torch
        >>> model = SEUNet(3, 5, base_channels=4)
        >>> model.stride, model.receptive_radius
        (16, None)
        >>> model(torch.zeros(1, 3, 32, 48)).shape
        torch.Size([1, 5, 32, 48])
    """

    ENCODER = ("encoder", "pool")
    """Modules that only `encode` uses."""

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        base_channels: int = 32,
        depth: int = 4,
        reduction: int = 16,
    ) -> None:
        super().__init__()
        widths = [base_channels * 2**level for level in range(depth + 1)]
        self.in_channels = in_channels
        self.num_classes = num_classes
        self.stride = 2**depth
        self.receptive_radius = None
        self.encoder = nn.ModuleList(
            nn.Sequential(ConvBlock(incoming, width), SqueezeExcitation(width, reduction=reduction))
            for incoming, width in zip([in_channels, *widths], widths, strict=False)
        )
        self.pool = nn.MaxPool2d(2)
        above = widths[:-1]
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * width, width, 2, stride=2) for width in above)
        self.gate = nn.ModuleList(AttentionGate(width, width) for width in above)
        self.add = Add()
        self.decoder = nn.ModuleList(ConvBlock(width, width) for width in above)
        self.head = nn.Conv2d(base_channels, num_classes, 1)
        he_initialise(self)

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """Logits of a normalised image whose height and width are multiples of ``stride``."""
        return self.decode(self.encode(image))

    def encode(self, image: Float[Tensor, "b c h w"]) -> list[Tensor]:
        """Feature maps of every level, finest first."""
        return pyramid(self.encoder, self.pool, image)

    def decode(self, maps: list[Tensor]) -> Float[Tensor, "b k h w"]:
        """Logits from the maps of `encode`."""
        features = maps[-1]
        for level in reversed(range(len(maps) - 1)):
            below = self.up[level](features)
            features = self.decoder[level](self.add(self.gate[level](maps[level], below), below))
        logits: Tensor = self.head(features)
        return logits


@register_model("se_unet", SEUNetSettings, shares_encoder=True)
def _build_se_unet(settings: SEUNetSettings, in_channels: int, num_classes: int) -> SEUNet:
    return SEUNet(in_channels, num_classes, **settings.model_dump(exclude={"name"}))
