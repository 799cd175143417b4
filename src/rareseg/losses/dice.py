"""Dice loss: one minus the soft Dice coefficient of each class (arXiv 1606.04797)."""

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

__all__ = ["dice"]


def dice(
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
    """``1 - (2 I + smooth) / (P + T + smooth)``, averaged over classes.

    ``I`` is the probability of a class summed over its own pixels, ``P`` over all valid pixels, ``T`` the
    number of its pixels. Use it beside cross-entropy or focal where the size of a class should not matter.
    A class without a true pixel costs its mean probability ``P / valid``, so that its false positives are
    pushed down as well. A batch without a valid pixel gives 0 and zero gradients.

    Args:
        logits: Raw scores.
        target: Class index of each pixel, or for a sigmoid also 0 or 1 for each channel; pixels of
            ``ignore_index`` neither count nor receive a gradient.
        smooth: Pixels added above and below the line, at least 0; classes without a true pixel are not
            smoothed.
        reduction: ``"batch"``: sums over all images; ``"image"``: the mean over images that have a valid pixel.
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
        >>> dice(logits, torch.tensor([[[1]]]))  # class 0 is absent: 0.25; class 1: 1 - 1.5 / 1.75
        tensor(0.1964)
    """
    inputs = LossInputs(
        logits,
        target,
        activation=activation,
        positive_classes=positive_classes,
        ignore_index=ignore_index,
        regions=True,
    )
    return reduce_regions(partial(_dice, smooth=smooth), inputs, reduction=reduction, channels=channels)


@register_loss("dice", OverlapSettings)
def _build_dice(settings: OverlapSettings, classes: ClassFacts) -> RegionTerm:
    class_loss = partial(_dice, smooth=settings.smooth)
    return RegionTerm(class_loss, reduction=settings.reduction, channels=settings.channels(classes))


def _dice(sums: RegionSums, *, smooth: float) -> Float[Tensor, "u c"]:
    return overlap_loss(sums, 2 * sums.intersection + smooth, sums.predicted + sums.true + smooth)
