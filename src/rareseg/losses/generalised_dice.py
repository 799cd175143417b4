"""Generalised Dice loss: one ratio for all classes, each weighted by its size (arXiv 1707.03237)."""

from __future__ import annotations

import torch
from jaxtyping import Float, Integer
from torch import Tensor

from rareseg.losses.inputs import Activation, LossInputs, RegionSums
from rareseg.losses.region_term import RegionReduction, RegionSettings, RegionTerm, reduce_regions
from rareseg.losses.term import ClassFacts, register_loss
from rareseg.types import IGNORE_INDEX

__all__ = ["generalised_dice"]


def generalised_dice(
    logits: Float[Tensor, "b c h w"],
    target: Integer[Tensor, "b h w"] | Integer[Tensor, "b c h w"],
    *,
    reduction: RegionReduction = "batch",
    channels: tuple[int, ...] | None = None,
    activation: Activation = "softmax",
    positive_classes: tuple[int, ...] | None = None,
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, ""]:
    """``1 - 2 sum(w I) / sum(w (P + T))`` over classes, with ``w = 1 / T ** 2`` and the sums of `dice`.

    A class counts by the inverse square of its size, so that a rare one outweighs all others: strong where
    every batch holds the rare classes, restless where they come and go. A class without a true pixel has no
    such weight and takes the largest among the others, so that its false positives enlarge the lower sum.
    Where no class has a true pixel (a sigmoid on background) the loss is the mean probability. A batch
    without a valid pixel gives 0 and zero gradients.

    Args:
        logits: Raw scores.
        target: As in `dice`.
        reduction: ``"batch"`` or ``"image"``, as in `dice`.
        channels: Channels that the sums are over; None for all.
        activation: What the channels mean, see `LossInputs`.
        positive_classes: Class index of each channel of a sigmoid; None for 1, 2, 3 and so on.
        ignore_index: Index of pixels that are left out.

    Returns:
        A scalar in [0, 1].

    Raises:
        DataError: Logits and target do not belong together.

    Example:
        >>> logits = torch.log(torch.tensor([0.25, 0.75])).view(1, 2, 1, 1)
        >>> generalised_dice(logits, torch.tensor([[[1]]]))  # 1 - 2 * 0.75 / (0.25 + 1.75)
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
    return reduce_regions(_generalised_dice, inputs, reduction=reduction, channels=channels)


@register_loss("generalised_dice", RegionSettings)
def _build_generalised_dice(settings: RegionSettings, classes: ClassFacts) -> RegionTerm:
    return RegionTerm(_generalised_dice, reduction=settings.reduction, channels=settings.channels(classes))


def _generalised_dice(sums: RegionSums) -> Float[Tensor, "u c"]:
    present = sums.true > 0
    some = present.any(dim=1, keepdim=True)
    # Relative to the rarest present class, whose weight is 1: 1 / T ** 2 itself would leave float16's range.
    rarest = sums.true.where(present, torch.inf).amin(dim=1, keepdim=True)
    weights = (rarest.where(some, 1) / sums.true.clamp_min(1)).square().where(present, 1)
    overlap = (weights * sums.intersection).sum(dim=1, keepdim=True)
    size = (weights * (sums.predicted + sums.true)).sum(dim=1, keepdim=True)
    loss = (1 - 2 * overlap / size.where(some, 1)).clamp_min(0)
    return torch.where(some, loss, sums.predicted / sums.valid.clamp_min(1))
