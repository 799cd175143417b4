"""Heads: what the network's output channels mean, and how they become one score per class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from jaxtyping import Float
from torch import Tensor

from rareseg.config.load import Settings, parse_settings
from rareseg.registry import Registry

__all__ = ["HEADS", "Head", "SoftmaxHead", "build_head"]


class Head(Protocol):
    """What training, inference and evaluation ask of a head."""

    def num_outputs(self, num_classes: int) -> int:
        """Output channels of the network."""
        ...

    def class_logits(self, outputs: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """Logits whose softmax is the probability of each class."""
        ...


class SoftmaxHead:
    """One channel a class; the channels compete."""

    def num_outputs(self, num_classes: int) -> int:
        """As many channels as classes."""
        return num_classes

    def class_logits(self, outputs: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """The outputs are the logits."""
        return outputs


class _NoSettings(Settings):
    name: str


HEADS: Registry[type[SoftmaxHead]] = Registry("head")
HEADS.register("softmax")(SoftmaxHead)


def build_head(settings: Mapping[str, Any]) -> Head:
    """Make the head that a recipe names.

    Raises:
        UnknownNameError: No head has this name.
        ConfigError: The head has no such option.
    """
    head = HEADS[settings["name"]]
    parse_settings(_NoSettings, settings, where="head")
    return head()
