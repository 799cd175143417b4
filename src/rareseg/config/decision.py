"""Options of a recipe's ``decision``: how scores become a label map."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rareseg.config.load import Settings

__all__ = ["ArgmaxSettings", "ThresholdSettings"]

Pixels = Annotated[int, Field(ge=1)]
Probability = Annotated[float, Field(gt=0, lt=1)]


class ArgmaxSettings(Settings):
    """Options of the decision ``argmax``."""

    name: str
    smallest_region: dict[str, Pixels] = {}
    """Class: least number of pixels of a predicted region; smaller ones become background."""
    temperature: float = Field(default=1.0, gt=0)
    """Logits are divided by it before probabilities are told of them; no pixel changes its class by it."""


class ThresholdSettings(ArgmaxSettings):
    """Options of the decision ``thresholds``."""

    thresholds: dict[str, Probability] = {}
    """Class: the probability, before any temperature, from which on a pixel is taken for it."""
