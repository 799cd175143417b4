"""Focal Tversky loss: classes that overlap badly count more (arXiv 1810.07842)."""

from __future__ import annotations

from functools import partial

from jaxtyping import Float, Integer
from pydantic import Field
from torch import Tensor

from rareseg.errors import ConfigError
from rareseg.losses.inputs import Activation, LossInputs, RegionSums
from rareseg.losses.region_term import RegionReduction, RegionTerm, reduce_regions
from rareseg.losses.term import ClassFacts, register_loss
from rareseg.losses.tversky import TverskySettings, tversky_of_sums
from rareseg.types import IGNORE_INDEX

__all__ = ["focal_tversky"]


def focal_tversky(
    logits: Float[Tensor, "b c h w"],
    target: Integer[Tensor, "b h w"] | Integer[Tensor, "b c h w"],
    *,
    gamma: float = 4 / 3,
    fp_weight: float = 0.3,
    fn_weight: float = 0.7,
    smooth: float = 0.0,
    reduction: RegionReduction = "batch",
    channels: tuple[int, ...] | None = None,
    activation: Activation = "softmax",
    positive_classes: tuple[int, ...] | None = None,
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, ""]:
    """The `tversky` loss of each class to the power ``1 / gamma``, averaged over classes.

    With the paper's gamma of 4/3 a class's slope grows as it gets better, so that small ones keep being
    improved; below 1 badly found classes dominate. Other libraries raise to ``gamma``, not ``1 / gamma``.
    A class that is exactly right gives 0 and a zero gradient. Classes without a true pixel cost their mean
    probability to the same power; a batch without a valid pixel gives 0 and zero gradients.

    Args:
        logits: Raw scores.
        target: As in `dice`.
        gamma: Above 0; the paper tries 1 to 3.
        fp_weight: Weight of false positives, above 0.
        fn_weight: Weight of false negatives, above 0; the paper's alpha.
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
        ConfigError: ``gamma`` is not above 0.

    Example:
        >>> import torch
        >>> logits = torch.log(torch.tensor([0.25, 0.75])).view(1, 2, 1, 1)
        >>> focal_tversky(logits, torch.tensor([[[1]]]))  # 0.25 ** 0.75 and (1 - 0.75 / 0.925) ** 0.75
        tensor(0.3202)
    """
    if not gamma > 0:
        raise ConfigError(f"Expected gamma above 0, but got {gamma}. Use 4/3, or 1 for the Tversky loss.")
    inputs = LossInputs(
        logits,
        target,
        activation=activation,
        positive_classes=positive_classes,
        ignore_index=ignore_index,
        regions=True,
    )
    class_loss = partial(_focal_tversky, gamma=gamma, fp_weight=fp_weight, fn_weight=fn_weight, smooth=smooth)
    return reduce_regions(class_loss, inputs, reduction=reduction, channels=channels)


class FocalTverskySettings(TverskySettings):
    """Options of the focal Tversky loss."""

    gamma: float = Field(default=4 / 3, gt=0, allow_inf_nan=False)
    """The loss of each class is raised to 1 / gamma."""

    def options(self) -> list[str]:
        """All options, in words."""
        return [f"gamma={self.gamma:.3g}", *super().options()]


@register_loss("focal_tversky", FocalTverskySettings)
def _build_focal_tversky(settings: FocalTverskySettings, classes: ClassFacts) -> RegionTerm:
    class_loss = partial(
        _focal_tversky,
        gamma=settings.gamma,
        fp_weight=settings.fp_weight,
        fn_weight=settings.fn_weight,
        smooth=settings.smooth,
    )
    return RegionTerm(class_loss, reduction=settings.reduction, channels=settings.channels(classes))


def _focal_tversky(
    sums: RegionSums, *, gamma: float, fp_weight: float, fn_weight: float, smooth: float
) -> Float[Tensor, "u c"]:
    loss = tversky_of_sums(sums, fp_weight=fp_weight, fn_weight=fn_weight, smooth=smooth)
    if gamma == 1:
        return loss
    # Above gamma 1 the power has an infinite slope at 0: the clamp cuts it off, far below float32's rounding.
    return loss.clamp_min(1e-20).pow(1 / gamma).where(loss > 0, 0)
