"""Jaccard loss of a class and of what is not the class, weighted apart.

Source: solar plant report.
"""

from __future__ import annotations

from functools import partial

from jaxtyping import Float, Integer
from pydantic import Field
from torch import Tensor

from rareseg.losses.inputs import Activation, LossInputs, RegionSums
from rareseg.losses.jaccard import jaccard_of_sums
from rareseg.losses.region_term import (
    OverlapSettings,
    RegionReduction,
    RegionTerm,
    reduce_regions,
)
from rareseg.losses.term import ClassFacts, register_loss
from rareseg.types import IGNORE_INDEX

__all__ = ["class_aware_jaccard"]


def class_aware_jaccard(
    logits: Float[Tensor, "b c h w"],
    target: Integer[Tensor, "b h w"] | Integer[Tensor, "b c h w"],
    *,
    pos_weight: float = 0.8,
    neg_weight: float = 0.2,
    smooth: float = 0.0,
    reduction: RegionReduction = "batch",
    channels: tuple[int, ...] | None = None,
    activation: Activation = "softmax",
    positive_classes: tuple[int, ...] | None = None,
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, ""]:
    """``pos_weight * jaccard(class) + neg_weight * jaccard(everything else)``, averaged over classes.

    The report on solar plants found 0.8 and 0.2 best of 0.5, 0.7, 0.75, 0.8, 0.85 and 0.9 for the positive
    part. The second part takes one minus the probability as that of "everything else". A part without a true
    pixel (an absent class, or a class that fills the batch) costs its mean probability, as in `dice`. A batch
    without a valid pixel gives 0 and zero gradients.

    Args:
        logits: Raw scores.
        target: As in `dice`.
        pos_weight: Weight of the class, above 0.
        neg_weight: Weight of everything else, at least 0.
        smooth: Pixels added above and below the line, at least 0.
        reduction: ``"batch"`` or ``"image"``, as in `dice`.
        channels: Channels that the mean is over; None for all.
        activation: What the channels mean, see `LossInputs`.
        positive_classes: Class index of each channel of a sigmoid; None for 1, 2, 3 and so on.
        ignore_index: Index of pixels that are left out.

    Returns:
        A scalar in [0, pos_weight + neg_weight].

    Raises:
        DataError: Logits and target do not belong together.

    Example:
        >>> import torch
        >>> crack = torch.log(torch.tensor([3.0])).view(1, 1, 1, 1)  # probability 0.75
        >>> class_aware_jaccard(crack, torch.tensor([[[1]]]), activation="sigmoid")  # 0.8 * 0.25 + 0.2 * 0.25
        tensor(0.2500)
    """
    inputs = LossInputs(
        logits,
        target,
        activation=activation,
        positive_classes=positive_classes,
        ignore_index=ignore_index,
        regions=True,
    )
    class_loss = partial(_class_aware, pos_weight=pos_weight, neg_weight=neg_weight, smooth=smooth)
    return reduce_regions(class_loss, inputs, reduction=reduction, channels=channels)


class ClassAwareJaccardSettings(OverlapSettings):
    """Options of the class-aware Jaccard loss."""

    pos_weight: float = Field(default=0.8, gt=0, allow_inf_nan=False)
    """Weight of the class."""
    neg_weight: float = Field(default=0.2, ge=0, allow_inf_nan=False)
    """Weight of everything that is not the class."""

    def options(self) -> list[str]:
        """The weights and the smoothing, in words."""
        return [f"{self.pos_weight:g}/{self.neg_weight:g}", *super().options()]


@register_loss("class_aware_jaccard", ClassAwareJaccardSettings)
def _build_class_aware(settings: ClassAwareJaccardSettings, classes: ClassFacts) -> RegionTerm:
    class_loss = partial(
        _class_aware,
        pos_weight=settings.pos_weight,
        neg_weight=settings.neg_weight,
        smooth=settings.smooth,
    )
    return RegionTerm(class_loss, reduction=settings.reduction, channels=settings.channels(classes))


def _class_aware(
    sums: RegionSums, *, pos_weight: float, neg_weight: float, smooth: float
) -> Float[Tensor, "u c"]:
    missed = sums.valid - sums.predicted - sums.true + sums.intersection  # right about "everything else"
    others = RegionSums(missed, sums.valid - sums.predicted, sums.valid - sums.true, sums.valid)
    return pos_weight * jaccard_of_sums(sums, smooth=smooth) + neg_weight * jaccard_of_sums(
        others, smooth=smooth
    )
