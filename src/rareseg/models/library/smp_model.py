"""Architectures and encoders of segmentation_models_pytorch.

Source: https://github.com/qubvel-org/segmentation_models.pytorch.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from rareseg.errors import ConfigError
from rareseg.models.library.encoder_file import load_encoder_file
from rareseg.models.library.smp_architecture import smp_architecture
from rareseg.models.library.smp_settings import SmpSettings
from rareseg.models.registry import register_model

__all__ = ["SmpModel"]

_REFUSALS = (
    AssertionError,
    AttributeError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What the library raises where options do not go together."""
_MOST_STRIDES = 8
"""Strides of the encoder that an image may have to hold, where a decoder pools further."""


class SmpModel(nn.Module):
    """A model of segmentation_models_pytorch that keeps the contract of this package's models.

    How far its output pixels see is not worked out, and many of these models pool over the whole image, so
    ``receptive_radius`` is None for all. Their ImageNet weights expect colours of mean 0 and deviation 1, which
    is what `Network` gives them; other numbers of bands take the filters as `adapt_bands` does.

    Args:
        model: As the library makes it.
        in_channels: Bands of the image.
        num_classes: Channels of the logits.
        stride: Sizes that the model takes are multiples of it.
    """

    receptive_radius: int | None = None

    def __init__(self, model: nn.Module, *, in_channels: int, num_classes: int, stride: int) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.num_classes = num_classes
        self.stride = stride
        self.model = model

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """Logits of a normalised image whose height and width are multiples of ``stride``."""
        logits: Tensor = self.model(image)
        return logits


@register_model("smp", SmpSettings)
def _build(settings: SmpSettings, in_channels: int, num_classes: int) -> SmpModel:
    architecture = smp_architecture(settings)
    arguments = {
        "in_channels": in_channels,
        "classes": num_classes,
        **settings.options,
        **settings.encoder_options,
    }
    if settings.encoder_depth is not None:
        arguments["encoder_depth"] = settings.encoder_depth

    def make(weights: str | bool | None) -> nn.Module:
        return architecture(encoder_name=settings.encoder, encoder_weights=weights, **arguments)

    # A study is checked on the device meta, where some encoders cannot be made and weights have no place.
    with torch.device("cpu"):
        try:
            model = make(None)
            stride = _stride(copy.deepcopy(model).to("meta"), in_channels)
        except _REFUSALS as error:
            raise ConfigError(
                f"segmentation_models_pytorch cannot make {settings.architecture} with the encoder {settings.encoder}"
                f" of these options ({_line(error)}). Change them, or choose another pair."
            ) from None
        if settings.weights_file is not None:
            load_encoder_file(Path(settings.weights_file), cast(nn.Module, model.encoder))
        elif settings.encoder_weights is not None:
            model = _with_downloaded_weights(settings, make)
    return SmpModel(model, in_channels=in_channels, num_classes=num_classes, stride=stride)


def _stride(model: nn.Module, in_channels: int) -> int:
    """Smallest number whose multiples the model takes: the encoder's stride, or more where the decoder pools on.

    Args:
        model: On the device meta, so that a trial costs nothing.
        in_channels: Bands of the image.

    Raises:
        ValueError: The answer has not the size of the image.
    """
    model.eval()
    least = cast(int, cast(nn.Module, model.encoder).output_stride)
    stride = least
    while True:
        try:
            with torch.no_grad():
                answer = model(torch.empty(1, in_channels, stride, 2 * stride, device="meta"))
            break
        except (AssertionError, RuntimeError, ValueError):
            if stride >= _MOST_STRIDES * least:
                raise
        stride *= 2
    height, width = answer.shape[-2:]
    if (height, width) != (stride, 2 * stride):
        raise ValueError(f"it answers an image of {stride} x {2 * stride} pixels with {height} x {width}")
    return stride


def _with_downloaded_weights(
    settings: SmpSettings, make: Callable[[str | bool | None], nn.Module]
) -> nn.Module:
    try:
        # timm's encoders have the set of weights in their name.
        return make(True if settings.encoder.startswith("tu-") else settings.encoder_weights)
    except Exception as error:  # the client of the hub raises errors of several libraries
        raise ConfigError(
            f"The weights '{settings.encoder_weights}' of the encoder {settings.encoder} cannot be downloaded"
            f" ({_line(error)}). Download them elsewhere and give the file as 'encoder_weights', or leave that out."
        ) from None


def _line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
