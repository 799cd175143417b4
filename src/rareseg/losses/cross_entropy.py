"""Cross-entropy, plain and weighted by class, over a softmax or for each channel of a sigmoid.

Source: arXiv 1505.04597; class weights as in the foil thesis, section 3.4.2.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Integer
from pydantic import Field
from torch import Tensor

from rareseg.errors import OptionError
from rareseg.losses.inputs import Activation, LossInputs
from rareseg.losses.pixel_term import PixelTerm, PixelTermSettings
from rareseg.losses.reduction import Reduction, reduce_pixels
from rareseg.losses.term import ClassFacts, register_loss
from rareseg.types import IGNORE_INDEX

__all__ = ["cross_entropy"]


def cross_entropy(
    logits: Float[Tensor, "b c h w"],
    target: Integer[Tensor, "b h w"] | Integer[Tensor, "b c h w"],
    *,
    weight: Float[Tensor, " k"] | Float[Tensor, "c 2"] | None = None,
    reduction: Reduction = "mean",
    activation: Activation = "softmax",
    positive_classes: tuple[int, ...] | None = None,
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, "*size"]:
    """Minus the weighted log-probability of the truth (equation 3.7 of the foil thesis).

    With a softmax it is that of the true class. A class absent from the batch adds nothing to the value; its
    logits are still pushed down at the pixels of the others. With a sigmoid it is binary cross-entropy, the
    loss of the thesis's binary models, over all pixels and channels. A batch without a valid pixel gives 0
    and zero gradients. 16-bit logits work in float32.

    Args:
        logits: Raw scores.
        target: Class index of each pixel, or for a sigmoid also 0 or 1 for each channel; pixels of
            ``ignore_index`` neither count nor receive a gradient.
        weight: One factor a class; for a sigmoid ``(c, 2)``, those of negatives and positives; None for 1.
        reduction: ``"mean"`` over valid pixels, ``"weighted_mean"`` over the sum of their weights (what torch
            calls mean), or ``"none"`` for a map.
        activation: What the channels mean, see `LossInputs`.
        positive_classes: Class index of each channel of a sigmoid; None for 1, 2, 3 and so on.
        ignore_index: Index of pixels that are left out.

    Returns:
        A scalar of at least 0; where ``reduction="none"``, ``(b, h, w)`` or for a sigmoid ``(b, c, h, w)``.

    Raises:
        DataError: Logits and target do not belong together.
        ConfigError: The weight has not one value a class.

    Example:
        >>> logits = torch.log(torch.tensor([0.25, 0.75])).view(1, 2, 1, 1)
        >>> cross_entropy(logits, torch.tensor([[[0]]]))
        tensor(1.3863)
        >>> cross_entropy(logits, torch.tensor([[[0]]]), weight=torch.tensor([2.0, 1.0]))
        tensor(2.7726)
        >>> cross_entropy(torch.zeros(1, 1, 1, 1), torch.tensor([[[1]]]), activation="sigmoid")
        tensor(0.6931)
    """
    inputs = LossInputs(
        logits, target, activation=activation, positive_classes=positive_classes, ignore_index=ignore_index
    )
    return reduce_pixels(_negative_log(inputs), inputs, weight=weight, reduction=reduction)


class CrossEntropySettings(PixelTermSettings):
    """Options of cross-entropy."""

    pos_weight: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Only with a sigmoid: factor of the positives of every channel."""
    neg_weight: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Only with a sigmoid: factor of the negatives of every channel."""

    def weight(self, classes: ClassFacts) -> Float[Tensor, " k"] | Float[Tensor, "c 2"] | None:
        """As `PixelTermSettings.weight`, or the two factors for every channel."""
        pair = (self.neg_weight, self.pos_weight)
        if pair == (None, None):
            return super().weight(classes)
        option = "pos_weight" if self.pos_weight is not None else "neg_weight"
        classes.need("sigmoid", f"'{option}' of cross_entropy", instead="Give 'weights' by class.")
        if self.weights != "none" or self.weight_cap is not None:
            raise OptionError(
                f"'{option}' of cross_entropy stands in place of 'weights' and 'weight_cap'. Give one or the other."
            )
        if pair == (0, 0):
            raise OptionError(
                "'pos_weight' and 'neg_weight' of cross_entropy are both 0. Give one a value above 0."
            )
        factors = torch.tensor([1.0 if factor is None else factor for factor in pair])
        return factors.expand(len(classes.positive_classes), 2).contiguous()

    def label(self) -> str:
        """The loss and its own options, in words."""
        given = [
            f"{name} weight={factor:g}"
            for name, factor in (("positive", self.pos_weight), ("negative", self.neg_weight))
            if factor is not None
        ]
        return " ".join(["cross entropy", *given])


@register_loss("cross_entropy", CrossEntropySettings)
def _build_cross_entropy(settings: CrossEntropySettings, classes: ClassFacts) -> PixelTerm:
    return PixelTerm(_negative_log, weight=settings.weight(classes), reduction=settings.reduction)


def _negative_log(inputs: LossInputs) -> Float[Tensor, "b h w"] | Float[Tensor, "b c h w"]:
    return inputs.nll if inputs.activation == "softmax" else inputs.bce
