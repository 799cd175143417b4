"""Whether one probability of a class decides about it, so that a threshold means something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rareseg.strategies.heads import build_head

__all__ = ["asks_by_class"]


def asks_by_class(head: Mapping[str, Any], class_names: tuple[str, ...]) -> bool:
    """Whether a head asks about each class by itself: with sigmoids, or because there are two classes only.

    Args:
        head: The recipe's head.
        class_names: All classes, the background first.

    Example:
        >>> names = ("background", "cavity", "crack")
        >>> asks_by_class({"name": "one_vs_rest"}, names), asks_by_class({"name": "softmax"}, names)
        (True, False)
        >>> asks_by_class({"name": "softmax"}, names[:2])
        True
    """
    parts = [part for part in build_head(head).parts(class_names) if part.gate is None]
    return len(class_names) == 2 or all(part.activation == "sigmoid" for part in parts)
