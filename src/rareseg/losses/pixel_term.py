"""Terms that are a weighted mean of one value a pixel: cross-entropy, focal and their kin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field, field_validator
from torch import Tensor, nn

from rareseg.errors import ConfigError, OptionError
from rareseg.losses.inputs import LossInputs
from rareseg.losses.reduction import reduce_pixels
from rareseg.losses.term import ClassFacts, TermSettings
from rareseg.losses.weights import WEIGHT_SCHEMES, binary_weights, class_weights

__all__ = ["PixelTerm", "PixelTermSettings"]


class PixelTermSettings(TermSettings):
    """Options of a term that weights pixels by their class."""

    weights: str | tuple[float, ...] | dict[str, float] = "none"
    """A scheme, a list in class order, or a weight for each class by name. For a sigmoid: of the positives."""
    weight_cap: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Largest weight; larger ones are cut to it."""
    reduction: Literal["mean", "weighted_mean"] = "mean"
    """mean divides by the number of valid pixels, weighted_mean by the sum of their weights."""

    @field_validator("weights", mode="before")
    @classmethod
    def _known_form(cls, value: Any) -> Any:
        if isinstance(value, str):
            WEIGHT_SCHEMES[value]
            return value
        numbers = list(value.values()) if isinstance(value, Mapping) else value
        if not isinstance(numbers, list | tuple) or not all(
            isinstance(number, int | float) and not isinstance(number, bool) for number in numbers
        ):
            raise ValueError(
                f"give a scheme ({', '.join(WEIGHT_SCHEMES)}), a list of numbers in class order,"
                " or a number for each class name"
            )
        return value

    def weight(self, classes: ClassFacts) -> Float[Tensor, " k"] | Float[Tensor, "c 2"] | None:
        """The weight of each class, or None where all are 1.

        For a sigmoid, the weights of negatives and positives of each channel: a scheme weighs a class against
        all others (`binary_weights`), given numbers are those of the positives, and their negatives have 1.

        Raises:
            OptionError: ``reduction`` or ``weight_cap`` cannot take effect without weights.
            ConfigError: The weights do not match the classes.
            DataError: A class has no pixels to derive a weight from.
        """
        if self.weights == "none":
            for option, given in (
                ("reduction", self.reduction == "weighted_mean"),
                ("weight_cap", self.weight_cap is not None),
            ):
                if given:
                    raise OptionError(
                        f"'{option}' of the loss '{self.name}' has no effect with 'weights: none'."
                        f" Leave '{option}' out or choose weights."
                    )
            return None
        weights = (
            self.weights if not isinstance(self.weights, dict) else _in_channel_order(self.weights, classes)
        )
        if classes.activation == "softmax":
            alpha = class_weights(classes.pixels, weights, cap=self.weight_cap, class_names=classes.names)
        elif isinstance(weights, str):
            pairs = binary_weights(classes.pixels, weights, class_names=classes.names)
            alpha = np.minimum(pairs[list(classes.positive_classes)], self.weight_cap or np.inf)
        else:
            counts = [classes.pixels[index] for index in classes.positive_classes]
            positives = class_weights(counts, weights, cap=self.weight_cap)
            alpha = np.stack([np.ones_like(positives), positives], axis=1)
        return torch.from_numpy(alpha).float()

    def label(self) -> str:
        """The loss and its own options, in words."""
        return super().summary()

    def summary(self) -> str:
        """The loss, its options and its weights, in words."""
        if self.weights == "none":
            return self.label()
        name = WEIGHT_SCHEMES[self.weights].title if isinstance(self.weights, str) else "given"
        cap = "" if self.weight_cap is None else f" up to {self.weight_cap:g}"
        mean = ", weighted mean" if self.reduction == "weighted_mean" else ""
        return f"{self.label()}, {name} weights{cap}{mean}"


class PixelTerm(nn.Module):
    """Reduces a pixel loss to a scalar; the class weights are a buffer.

    Args:
        pixel_loss: Maps `LossInputs` to one value a pixel (sigmoid: a pixel and channel), 0 where ignored.
        weight: One factor a class (sigmoid: of negatives and positives of each channel), or None.
        reduction: See `reduce_pixels`.
        exclude: Only for softmax: class indices whose pixels count as little as ignored ones.
    """

    weight: Tensor | None

    def __init__(
        self,
        pixel_loss: Callable[[LossInputs], Tensor],
        *,
        weight: Float[Tensor, " k"] | Float[Tensor, "c 2"] | None,
        reduction: Literal["mean", "weighted_mean"],
        exclude: tuple[int, ...] = (),
    ) -> None:
        super().__init__()
        self.pixel_loss = pixel_loss
        self.reduction = reduction
        self.exclude = exclude
        self.register_buffer("weight", weight)

    def forward(self, inputs: LossInputs) -> Float[Tensor, ""]:
        """Loss of the batch."""
        counted = None
        for index in self.exclude:
            counted = (inputs.valid if counted is None else counted) & (inputs.target != index)
        return reduce_pixels(
            self.pixel_loss(inputs), inputs, weight=self.weight, reduction=self.reduction, counted=counted
        )


def _in_channel_order(weights: Mapping[str, float], classes: ClassFacts) -> tuple[float, ...]:
    names = classes.channel_names
    classes.channels_of(weights)
    missing = [name for name in names if name not in weights]
    if missing:
        raise ConfigError(
            f"Expected a weight for each of {len(names)} classes, but '{missing[0]}' has none."
            " Add it to 'weights'."
        )
    return tuple(weights[name] for name in names)
