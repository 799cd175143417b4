"""Make a model from the options of a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from rareseg.config.load import parse_settings
from rareseg.errors import ConfigError
from rareseg.models import double_unet, one_conv, se_unet, unet, unetplusplus
from rareseg.models.library import efficientnet_lite_unet, smp_model
from rareseg.models.registry import MODELS

__all__ = ["MODELS", "build_model"]

# A module listed here has filed its model in MODELS by being imported; a new model is one more name.
_REGISTERED = (
    unet,
    one_conv,
    unetplusplus,
    se_unet,
    double_unet,
    efficientnet_lite_unet,
    smp_model,
)


def build_model(settings: Mapping[str, Any] | str, *, in_channels: int, num_classes: int) -> nn.Module:
    """Make the model that a recipe names, with random weights from torch's global generator.

    The module maps normalised images ``(b, c, h, w)``, whose sizes are multiples of its ``stride``, to logits
    of the same size. `Network` wraps it so that it takes raw images of any size.

    Args:
        settings: A name, or a mapping of name and options, such as ``{name: unet, base_channels: 16}``.
        in_channels: Bands of the image.
        num_classes: Output channels.

    Raises:
        UnknownNameError: No model has this name.
        ConfigError: The model has no such option, or an option has a wrong value.

    Example:
        >>> build_model({"name": "unet", "base_channels": 4, "depth": 2}, in_channels=3, num_classes=5).stride
        4
    """
    options = {"name": settings} if isinstance(settings, str) else dict(settings)
    name = options.get("name")
    if not isinstance(name, str):
        raise ConfigError(f"Expected a model with a name, but got {options}. Add it: {{name: unet}}")
    for what, number in (("in_channels", in_channels), ("num_classes", num_classes)):
        if number < 1:
            raise ConfigError(f"Expected {what} of at least 1, but got {number}. Check bands and classes.")
    builder = MODELS[name]
    return builder.build(
        parse_settings(builder.settings, options, where=f"model {name}"), in_channels, num_classes
    )
