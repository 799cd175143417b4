"""Jaccard loss: one minus the soft intersection over union of each class.

Source: doi 10.1007/978-3-319-50835-1_22.
"""

from __future__ import annotations

from functools import partial

from jaxtyping import Float, Integer
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

__all__ = ["jaccard", "jaccard_of_sums"]


def jaccard(
    logits: Float[Tensor, "b c h w"],
    target: Integer[Tensor, "b h w"] | Integer[Tensor, "b c h w"],
    *,
    smooth: float = 0.0,
    reduction: RegionReduction = "batch",
    channels: tuple[int, ...] | None = None,
    activation: Activation = "softmax",
    positive_classes: tuple[int, ...] | None = None,
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, ""]:
    """``1 - (I + smooth) / (P + T - I + smooth)``, averaged over classes; the sums are those of `dice`.

    It ranks predictions of one class as Dice does and punishes bad ones more. Classes without a true pixel,
    and batches without a valid pixel, behave as in `dice`.

    Args:
        logits: Raw scores.
        target: As in `dice`.
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
        >>> jaccard(logits, torch.tensor([[[1]]]))  # class 0 is absent: 0.25; class 1: 1 - 0.75
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
    return reduce_regions(
        partial(jaccard_of_sums, smooth=smooth), inputs, reduction=reduction, channels=channels
    )


@register_loss("jaccard", OverlapSettings)
def _build_jaccard(settings: OverlapSettings, classes: ClassFacts) -> RegionTerm:
    class_loss = partial(jaccard_of_sums, smooth=settings.smooth)
    return RegionTerm(class_loss, reduction=settings.reduction, channels=settings.channels(classes))


def jaccard_of_sums(sums: RegionSums, *, smooth: float) -> Float[Tensor, "u c"]:
    """Jaccard loss of each image (or of the batch) and channel; see `jaccard`."""
    union = sums.predicted + sums.true - sums.intersection
    return overlap_loss(sums, sums.intersection + smooth, union + smooth)
