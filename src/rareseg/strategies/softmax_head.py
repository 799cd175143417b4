"""The head ``softmax``: one channel a class; the channels compete.

Source: arXiv 1505.04597.
"""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from rareseg.strategies.head import HEADS, GateSettings, HeadBuilder, HeadSettings, MakeModel, Part

__all__ = ["SoftmaxHead"]


@dataclass(frozen=True)
class SoftmaxHead:
    """One channel a class; their softmax is the probability of each class."""

    gate: GateSettings | None = None

    def build_core(self, make_model: MakeModel, *, num_classes: int) -> nn.Module:
        """One model with as many channels as classes."""
        return make_model(num_classes)

    def parts(self, class_names: tuple[str, ...]) -> tuple[Part, ...]:
        """One part."""
        return (Part("segmenter"),)

    def steps(self, steps: int, *, num_classes: int) -> int:
        """The budget's."""
        return steps

    def class_logits(self, outputs: Float[Tensor, "b k h w"]) -> Float[Tensor, "b k h w"]:
        """The outputs are the logits."""
        return outputs


HEADS.register("softmax")(HeadBuilder(HeadSettings, lambda settings: SoftmaxHead(settings.gate)))
