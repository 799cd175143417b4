"""From the ``head`` key of ``study.yaml`` to a head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rareseg.config.load import parse_settings

# Importing a head's file registers it.
from rareseg.strategies import one_vs_rest_head as _one_vs_rest  # noqa: F401
from rareseg.strategies import sigmoid_head as _sigmoid  # noqa: F401
from rareseg.strategies import softmax_head as _softmax  # noqa: F401
from rareseg.strategies.gated_head import GatedHead
from rareseg.strategies.head import HEADS, Head

__all__ = ["HEADS", "Head", "build_head"]


def build_head(settings: Mapping[str, Any]) -> Head:
    """Make the head that a recipe names, with an image gate in front of it where it asks for one.

    Raises:
        UnknownNameError: No head has this name.
        ConfigError: The head has no such option.
        OptionError: An option cannot take effect.

    Example:
        >>> head = build_head({"name": "one_vs_rest"})
        >>> [part.name for part in head.parts(("background", "cavity", "crack"))]
        ['cavity', 'crack']
    """
    builder = HEADS[settings["name"]]
    head = builder.build(parse_settings(builder.settings, settings, where="head"))
    return head if head.gate is None else GatedHead(head, head.gate)
