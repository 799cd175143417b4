"""The core of a network from a recipe's head and model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from rareseg.models.build import build_model
from rareseg.strategies.heads import build_head

__all__ = ["build_core"]


def build_core(
    head: Mapping[str, Any], model: Mapping[str, Any], in_channels: int, class_names: tuple[str, ...]
) -> nn.Module:
    """Make the core with random weights from torch's global generator.

    Args:
        head: The recipe's head.
        model: The recipe's model.
        in_channels: Bands of the image.
        class_names: Names of all classes, the background first.

    Raises:
        ConfigError: A name or an option is wrong.

    Example:
        >>> model = {"name": "unet", "base_channels": 2, "depth": 2}
        >>> core = build_core({"name": "one_vs_rest"}, model, 3, ("background", "cavity", "crack"))
        >>> len(core.members)
        2
    """
    return build_head(head).build_core(
        lambda outputs: build_model(model, in_channels=in_channels, num_classes=outputs),
        num_classes=len(class_names),
    )
