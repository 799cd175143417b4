"""The least of all models: one convolution.

Source: Mars report of team Camal.
"""

from __future__ import annotations

from jaxtyping import Float
from pydantic import Field, field_validator
from torch import Tensor, nn

from rareseg.models.blocks import he_initialise
from rareseg.models.registry import ModelSettings, register_model

__all__ = ["OneConv"]


class OneConvSettings(ModelSettings):
    """Options of `OneConv`."""

    kernel_size: int = Field(default=3, ge=1, le=63)
    """Rows and columns of the window that the class of its middle pixel is told from, an odd number."""

    @field_validator("kernel_size")
    @classmethod
    def _odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("kernel_size should be odd, so that the window has a middle pixel")
        return value


class OneConv(nn.Module):
    """A single convolution from bands to classes, the baseline of the Mars report of team Camal.

    What a network learns beyond the brightness of a few pixels shows in how far it is from this one. The document
    names no kernel size; 3 x 3 is its other convolutions'.

    Args:
        in_channels: Bands of the image.
        num_classes: Channels of the logits.
        kernel_size: Rows and columns of the kernel, odd.

    Example:
        >>> import torch
        >>> model = OneConv(3, 5, kernel_size=7)
        >>> model.receptive_radius
        3
        >>> model(torch.zeros(1, 3, 20, 30)).shape
        torch.Size([1, 5, 20, 30])
    """

    def __init__(self, in_channels: int, num_classes: int, *, kernel_size: int = 3) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.num_classes = num_classes
        self.stride = 1
        self.receptive_radius = kernel_size // 2
        self.head = nn.Conv2d(in_channels, num_classes, kernel_size, padding=kernel_size // 2)
        he_initialise(self)

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """Logits of a normalised image of any size."""
        logits: Tensor = self.head(image)
        return logits


@register_model("one_conv", OneConvSettings)
def _build_one_conv(settings: OneConvSettings, in_channels: int, num_classes: int) -> OneConv:
    return OneConv(in_channels, num_classes, kernel_size=settings.kernel_size)
