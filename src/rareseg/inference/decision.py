"""Decisions: how probabilities become a label map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from jaxtyping import Float, UInt8
from torch import Tensor

from rareseg.config.load import Settings, parse_settings
from rareseg.registry import Registry

__all__ = ["DECISIONS", "ArgmaxDecision", "Decision", "build_decision"]


class Decision(Protocol):
    """Turns class logits into class indices.

    Attributes:
        smallest_regions: Least number of pixels of a predicted region of each class, see `remove_small_regions`;
            empty where regions of any size are kept. It is applied to the label map of a whole image.
    """

    @property
    def smallest_regions(self) -> tuple[int, ...]: ...

    def labels(self, logits: Float[Tensor, "b k h w"]) -> UInt8[Tensor, "b h w"]:
        """Class index of every pixel."""
        ...


class ArgmaxDecision:
    """The likeliest class wins."""

    smallest_regions: tuple[int, ...] = ()

    def labels(self, logits: Float[Tensor, "b k h w"]) -> UInt8[Tensor, "b h w"]:
        """Index of the largest logit; the lower index wins a tie."""
        import torch

        # On a CPU `argmax` takes seven times as long over a dimension that is not the last.
        return logits.max(dim=1).indices.to(torch.uint8)


class _NoSettings(Settings):
    name: str


DECISIONS: Registry[type[ArgmaxDecision]] = Registry("decision")
DECISIONS.register("argmax")(ArgmaxDecision)


def build_decision(settings: Mapping[str, Any], *, class_names: Sequence[str]) -> Decision:
    """Make the decision that a recipe names.

    Args:
        settings: The recipe's ``decision``.
        class_names: Names of the classes, the background first.

    Raises:
        UnknownNameError: No decision has this name.
        ConfigError: The decision has no such option.
    """
    decision = DECISIONS[settings["name"]]
    parse_settings(_NoSettings, settings, where="decision")
    return decision()
