"""Focal loss over the classes of a softmax (arXiv 1708.02002)."""

from __future__ import annotations

from functools import partial

import torch
from jaxtyping import Float, Integer
from pydantic import Field
from torch import Tensor

from rareseg.errors import ConfigError
from rareseg.losses.inputs import LossInputs
from rareseg.losses.pixel_term import PixelTerm, PixelTermSettings
from rareseg.losses.reduction import Reduction, reduce_pixels
from rareseg.losses.term import ClassFacts, register_loss
from rareseg.types import IGNORE_INDEX

__all__ = ["focal"]


def focal(
    logits: Float[Tensor, "b k h w"],
    target: Integer[Tensor, "b h w"],
    *,
    gamma: float = 2.0,
    weight: Float[Tensor, " k"] | None = None,
    reduction: Reduction = "mean",
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, "*size"]:
    """Cross-entropy times ``(1 - p_t) ** gamma``: pixels that are already right count less (equation 3.8).

    With ``gamma=0`` it is `cross_entropy`, to the bit. A pixel whose true class has probability 1 gives 0 and
    a zero gradient for any gamma. Absent classes and batches without a valid pixel behave as in
    `cross_entropy`.

    Args:
        logits: Raw scores.
        target: Class index of each pixel; pixels of ``ignore_index`` neither count nor receive a gradient.
        gamma: How strongly easy pixels are played down, at least 0; the foil thesis uses 2.
        weight: One factor a class (alpha); None for 1.
        reduction: As in `cross_entropy`.
        ignore_index: Index of pixels that are left out.

    Returns:
        A scalar of at least 0, or ``(b, h, w)`` where ``reduction="none"``.

    Raises:
        DataError: Logits and target do not belong together.
        ConfigError: ``gamma`` is negative or the weight has not one value a class.

    Example:
        >>> logits = torch.log(torch.tensor([0.25, 0.75])).view(1, 2, 1, 1)
        >>> focal(logits, torch.tensor([[[1]]]), gamma=2.0)  # 0.25 ** 2 * -log(0.75)
        tensor(0.0180)
    """
    if not gamma >= 0:
        raise ConfigError(f"Expected gamma of at least 0, but got {gamma}. Use 2, or 0 for cross-entropy.")
    inputs = LossInputs(logits, target, ignore_index=ignore_index)
    return reduce_pixels(_focal_values(inputs, gamma=gamma), inputs, weight=weight, reduction=reduction)


class FocalSettings(PixelTermSettings):
    """Options of the focal loss."""

    gamma: float = Field(default=2.0, ge=0, allow_inf_nan=False)
    """How strongly easy pixels are played down; 0 is cross-entropy."""

    def label(self) -> str:
        """The loss and its gamma, in words."""
        return f"focal gamma={self.gamma:g}"


@register_loss("focal", FocalSettings)
def _build_focal(settings: FocalSettings, classes: ClassFacts) -> PixelTerm:
    pixel_loss = partial(_focal_values, gamma=settings.gamma)
    return PixelTerm(pixel_loss, weight=settings.weight(classes), reduction=settings.reduction)


def _focal_values(inputs: LossInputs, *, gamma: float) -> Float[Tensor, "b h w"]:
    if gamma == 0:
        return inputs.nll
    # 1 - p_t without cancellation. Below gamma 1 the power has an infinite slope at 0, which times a zero
    # loss is NaN: the clamp cuts that slope off, far below the least non-zero 1 - p_t of float32 (6e-8).
    miss = (-torch.expm1(-inputs.nll)).clamp_min(1e-20)
    return miss.pow(gamma) * inputs.nll
