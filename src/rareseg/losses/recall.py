"""Recall loss: cross-entropy weighted by how much of each class the batch misses (arXiv 2106.14917)."""

from __future__ import annotations

import torch
from jaxtyping import Float, Integer
from pydantic import Field
from torch import Tensor, nn

from rareseg.errors import ConfigError
from rareseg.losses.inputs import Activation, LossInputs
from rareseg.losses.reduction import reduce_pixels
from rareseg.losses.softmax_pass import sum_by_class
from rareseg.losses.term import ClassFacts, TermSettings, register_loss
from rareseg.types import IGNORE_INDEX

__all__ = ["recall"]


def recall(
    logits: Float[Tensor, "b c h w"],
    target: Integer[Tensor, "b h w"] | Integer[Tensor, "b c h w"],
    *,
    smooth: float = 1.0,
    activation: Activation = "softmax",
    positive_classes: tuple[int, ...] | None = None,
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, ""]:
    """Mean cross-entropy in which a pixel weighs as much as its class is missed in this batch.

    The weight is ``(missed + smooth) / (pixels + smooth)`` over the class's pixels, no gradient flows through
    it. Unlike fixed weights it fades as a class is found, so the class is not made to spread. A pixel is missed
    unless its class alone has the highest score. With a sigmoid each channel has two classes, positives and
    negatives, each with a rate of its own. The authors' code counts one missed pixel where there is none;
    ``smooth=1`` has the same purpose, so that a class that is found is not forgotten.

    A class absent from the batch adds nothing; its logits are pushed down at the pixels of the others. An
    all-background batch weighs by the background's own rate. A batch without a valid pixel gives 0 and zero
    gradients.

    Args:
        logits: Raw scores.
        target: As in `cross_entropy`.
        smooth: Missed pixels that every class has beyond the real ones, at least 0.
        activation: What the channels mean, see `LossInputs`.
        positive_classes: Class index of each channel of a sigmoid; None for 1, 2, 3 and so on.
        ignore_index: Index of pixels that are left out.

    Returns:
        A scalar of at least 0, at most the cross-entropy.

    Raises:
        DataError: Logits and target do not belong together.
        ConfigError: ``smooth`` is negative.

    Example:
        >>> logits = torch.log(torch.tensor([[0.25, 0.75], [0.75, 0.25]])).T.reshape(1, 2, 1, 2)
        >>> target = torch.tensor([[[0, 0]]])  # the first pixel is missed, the second found
        >>> recall(logits, target, smooth=0)  # a half of (-log(0.25) - log(0.75)) / 2
        tensor(0.4185)
    """
    if not smooth >= 0:
        raise ConfigError(
            f"Expected 'smooth' of at least 0, but got {smooth}. Use 1, or 0 for the bare rate."
        )
    inputs = LossInputs(
        logits, target, activation=activation, positive_classes=positive_classes, ignore_index=ignore_index
    )
    value: Tensor = _Recall(smooth)(inputs)
    return value


class RecallSettings(TermSettings):
    """Options of the recall loss."""

    smooth: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    """Missed pixels that every class has beyond the real ones."""

    def summary(self) -> str:
        """The loss and its options, in words."""
        return "recall" if self.smooth == 1 else f"recall smooth={self.smooth:g}"


@register_loss("recall", RecallSettings)
def _build_recall(settings: RecallSettings, classes: ClassFacts) -> nn.Module:
    return _Recall(settings.smooth)


class _Recall(nn.Module):
    def __init__(self, smooth: float) -> None:
        super().__init__()
        self.smooth = smooth

    def forward(self, inputs: LossInputs) -> Float[Tensor, ""]:
        with torch.no_grad():
            missed, pixels = _missed(inputs) if inputs.activation == "softmax" else _missed_by_channel(inputs)
            total = pixels + self.smooth
            rate = (missed + self.smooth) / total.where(total > 0, 1)
        values = inputs.nll if inputs.activation == "softmax" else inputs.bce
        return reduce_pixels(values, inputs, weight=rate.to(values.dtype), reduction="mean")


def _missed(inputs: LossInputs) -> tuple[Tensor, Tensor]:
    """Missed pixels and pixels of each class."""
    own = inputs.logits.gather(1, inputs.known_target[:, None])
    missed = ((inputs.logits >= own).sum(1, dtype=torch.int16) > 1) & inputs.valid
    sums = [
        sum_by_class(counted, inputs.known_target, num_classes=inputs.num_channels).sum(0)
        for counted in (missed, inputs.valid)
    ]
    return sums[0], sums[1]


def _missed_by_channel(inputs: LossInputs) -> tuple[Tensor, Tensor]:
    """The same of negatives and positives of each channel."""
    negatives, positives = ~inputs.truth & inputs.channel_valid, inputs.truth
    missed = (negatives & (inputs.logits >= 0), positives & (inputs.logits <= 0))
    return (
        torch.stack([part.sum((0, 2, 3)) for part in missed], dim=1),
        torch.stack([part.sum((0, 2, 3)) for part in (negatives, positives)], dim=1),
    )
