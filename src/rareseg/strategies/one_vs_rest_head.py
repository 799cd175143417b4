"""The head ``one_vs_rest``: one binary model for each class but the background.

Source: foil thesis, section 3.4.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

from rareseg.errors import OptionError
from rareseg.models.one_vs_rest import OneVsRest
from rareseg.models.shared_encoder import SharedEncoder
from rareseg.strategies.head import HEADS, GateSettings, HeadBuilder, HeadSettings, MakeModel, Part
from rareseg.strategies.join_classes import join_classes

__all__ = ["OneVsRestHead", "OneVsRestSettings"]


class OneVsRestSettings(HeadSettings):
    """Options of the head ``one_vs_rest``."""

    shared_encoder: bool = False
    """One encoder for all classes and a decoder for each, trained together."""
    budget: Literal["each", "shared"] = "each"
    """each: every binary model has the study's whole budget, as in the foil thesis, so that four models see four
    times the pixels. shared: the models divide its steps among themselves, for a comparison at equal cost."""


@dataclass(frozen=True)
class OneVsRestHead:
    """Binary models (section 3.4.1 of the foil thesis); the answers are joined by `join_classes`."""

    gate: GateSettings | None = None
    shared_encoder: bool = False
    budget: str = "each"

    @classmethod
    def build(cls, settings: OneVsRestSettings) -> OneVsRestHead:
        """Make the head from its options.

        Raises:
            OptionError: ``budget`` is given where one model is trained.
        """
        if settings.shared_encoder and settings.budget == "shared":
            raise OptionError(
                "'budget: shared' divides steps among separate models, but 'shared_encoder' trains one; leave one out."
            )
        return cls(settings.gate, settings.shared_encoder, settings.budget)

    def build_core(self, make_model: MakeModel, *, num_classes: int) -> nn.Module:
        """A model with one channel for each class but the first."""
        members = [make_model(1) for _ in range(num_classes - 1)]
        return SharedEncoder(members) if self.shared_encoder else OneVsRest(members)

    def parts(self, class_names: tuple[str, ...]) -> tuple[Part, ...]:
        """One part a class, or a single one where the encoder is shared."""
        classes = tuple(range(1, len(class_names)))
        if self.shared_encoder:
            return (Part("segmenter", activation="sigmoid", positive_classes=classes),)
        return tuple(
            Part(class_names[index], f"members.{index - 1}", "sigmoid", (index,)) for index in classes
        )

    def steps(self, steps: int, *, num_classes: int) -> int:
        """The budget's, or its share where the models divide it."""
        return steps if self.budget == "each" else max(1, steps // (num_classes - 1))

    def class_logits(self, outputs: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """Joined by `join_classes`."""
        return join_classes(outputs)


HEADS.register("one_vs_rest")(HeadBuilder(OneVsRestSettings, OneVsRestHead.build))
