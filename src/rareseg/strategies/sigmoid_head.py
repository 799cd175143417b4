"""The head ``sigmoid``: one channel for each class but the background, each a question of its own.

Source: Severstal report.
"""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from rareseg.strategies.head import HEADS, GateSettings, HeadBuilder, HeadSettings, MakeModel, Part
from rareseg.strategies.join_classes import join_classes

__all__ = ["SigmoidHead"]


@dataclass(frozen=True)
class SigmoidHead:
    """One model whose channels say class or not; the first class is the background and has no channel."""

    gate: GateSettings | None = None

    def build_core(self, make_model: MakeModel, *, num_classes: int) -> nn.Module:
        """One model with a channel for each class but the first."""
        return make_model(num_classes - 1)

    def parts(self, class_names: tuple[str, ...]) -> tuple[Part, ...]:
        """One part with all channels."""
        return (Part("segmenter", activation="sigmoid", positive_classes=tuple(range(1, len(class_names)))),)

    def steps(self, steps: int, *, num_classes: int) -> int:
        """The budget's."""
        return steps

    def class_logits(self, outputs: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """Joined by `join_classes`."""
        return join_classes(outputs)


HEADS.register("sigmoid")(HeadBuilder(HeadSettings, lambda settings: SigmoidHead(settings.gate)))
