"""Decisions: how probabilities become a label map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from jaxtyping import Float, UInt8
from torch import Tensor

from rareseg.config.load import Settings, parse_settings
from rareseg.registry import Registry

__all__ = ["DECISIONS", "ArgmaxDecision", "Decision", "build_decision"]


class Decision(Protocol):
    """Turns class logits into class indices."""

    def labels(self, logits: Float[Tensor, "b k h w"]) -> UInt8[Tensor, "b h w"]:
        """Class index of every pixel."""
        ...


class ArgmaxDecision:
    """The likeliest class wins."""

    def labels(self, logits: Float[Tensor, "b k h w"]) -> UInt8[Tensor, "b h w"]:
        """Index of the largest logit; the lower index wins a tie."""
        import torch

        return logits.argmax(dim=1).to(torch.uint8)


class _NoSettings(Settings):
    name: str


DECISIONS: Registry[type[ArgmaxDecision]] = Registry("decision")
DECISIONS.register("argmax")(ArgmaxDecision)


def build_decision(settings: Mapping[str, Any]) -> Decision:
    """Make the decision that a recipe names.

    Raises:
        UnknownNameError: No decision has this name.
        ConfigError: The decision has no such option.
    """
    decision = DECISIONS[settings["name"]]
    parse_settings(_NoSettings, settings, where="decision")
    return decision()
