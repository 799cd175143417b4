"""Tversky loss: overlap in which false positives and false negatives weigh differently (arXiv 1706.05721)."""

from __future__ import annotations

from functools import partial

from jaxtyping import Float, Integer
from pydantic import Field
from torch import Tensor

from rareseg.losses.inputs import Activation, LossInputs, RegionSums
from rareseg.losses.region_term import (
    OverlapSettings,
    RegionReduction,
    RegionTerm,
    overlap_loss,
    reduce_regions,
)
from rareseg.losses.term import ClassFacts, register_loss
from rareseg.types import IGNORE_INDEX

__all__ = ["TverskySettings", "tversky", "tversky_of_sums"]


def tversky(
    logits: Float[Tensor, "b c h w"],
    target: Integer[Tensor, "b h w"] | Integer[Tensor, "b c h w"],
    *,
    fp_weight: float = 0.3,
    fn_weight: float = 0.7,
    smooth: float = 0.0,
    reduction: RegionReduction = "batch",
    channels: tuple[int, ...] | None = None,
    activation: Activation = "softmax",
    positive_classes: tuple[int, ...] | None = None,
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, ""]:
    """``1 - (I + smooth) / (I + fp_weight FP + fn_weight FN + smooth)``, averaged over classes.

    ``FP = P - I`` and ``FN = T - I`` with the sums of `dice`. More weight on false negatives finds more of a
    rare class; more on false positives keeps it from spreading. With 0.5 and 0.5 it is `dice`, with 1 and 1
    `jaccard`. The paper calls the weights alpha (false positives) and beta, and found 0.3 and 0.7 best; the
    Severstal report fine-tunes with 0.7 and 0.3 and calls the second alpha. Classes without a true pixel, and
    batches without a valid pixel, behave as in `dice`.

    Args:
        logits: Raw scores.
        target: As in `dice`.
        fp_weight: Weight of false positives, above 0.
        fn_weight: Weight of false negatives, above 0.
        smooth: Pixels added above and below the line, at least 0.
        reduction: ``"batch"`` or ``"image"``, as in `dice`.
        channels: Channels that the mean is over; None for all.
        activation: What the channels mean, see `LossInputs`.
        positive_classes: Class index of each channel of a sigmoid; None for 1, 2, 3 and so on.
        ignore_index: Index of pixels that are left out.

    Returns:
        A scalar in [0, 1].

    Raises:
        DataError: Logits and target do not belong together.

    Example:
        >>> import torch
        >>> logits = torch.log(torch.tensor([0.25, 0.75])).view(1, 2, 1, 1)
        >>> tversky(logits, torch.tensor([[[1]]]))  # class 0 is absent: 0.25; class 1: 1 - 0.75 / 0.925
        tensor(0.2196)
    """
    inputs = LossInputs(
        logits,
        target,
        activation=activation,
        positive_classes=positive_classes,
        ignore_index=ignore_index,
        regions=True,
    )
    class_loss = partial(tversky_of_sums, fp_weight=fp_weight, fn_weight=fn_weight, smooth=smooth)
    return reduce_regions(class_loss, inputs, reduction=reduction, channels=channels)


class TverskySettings(OverlapSettings):
    """Options of the Tversky loss."""

    fp_weight: float = Field(default=0.3, gt=0, allow_inf_nan=False)
    """Weight of false positives."""
    fn_weight: float = Field(default=0.7, gt=0, allow_inf_nan=False)
    """Weight of false negatives."""

    def options(self) -> list[str]:
        """The weights and the smoothing, in words."""
        return [f"FP={self.fp_weight:g} FN={self.fn_weight:g}", *super().options()]


@register_loss("tversky", TverskySettings)
def _build_tversky(settings: TverskySettings, classes: ClassFacts) -> RegionTerm:
    class_loss = partial(
        tversky_of_sums,
        fp_weight=settings.fp_weight,
        fn_weight=settings.fn_weight,
        smooth=settings.smooth,
    )
    return RegionTerm(class_loss, reduction=settings.reduction, channels=settings.channels(classes))


def tversky_of_sums(
    sums: RegionSums, *, fp_weight: float, fn_weight: float, smooth: float
) -> Float[Tensor, "u c"]:
    """Tversky loss of each image (or of the batch) and channel; see `tversky`."""
    false_positives = sums.predicted - sums.intersection
    false_negatives = sums.true - sums.intersection
    numerator = sums.intersection + smooth
    return overlap_loss(
        sums, numerator, numerator + fp_weight * false_positives + fn_weight * false_negatives
    )
