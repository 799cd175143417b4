"""Focal loss over the classes of a softmax or for each channel of a sigmoid (arXiv 1708.02002)."""

from __future__ import annotations

from functools import partial

import torch
from jaxtyping import Float, Integer
from pydantic import Field
from torch import Tensor

from rareseg.errors import ConfigError, OptionError
from rareseg.losses.inputs import Activation, LossInputs
from rareseg.losses.pixel_term import PixelTerm, PixelTermSettings
from rareseg.losses.reduction import Reduction, reduce_pixels
from rareseg.losses.term import ClassFacts, register_loss
from rareseg.types import IGNORE_INDEX

__all__ = ["focal"]


def focal(
    logits: Float[Tensor, "b c h w"],
    target: Integer[Tensor, "b h w"] | Integer[Tensor, "b c h w"],
    *,
    gamma: float = 2.0,
    weight: Float[Tensor, " k"] | Float[Tensor, "c 2"] | None = None,
    reduction: Reduction = "mean",
    activation: Activation = "softmax",
    positive_classes: tuple[int, ...] | None = None,
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, "*size"]:
    """Cross-entropy times ``(1 - p_t) ** gamma``: pixels that are already right count less (equation 3.8).

    With ``gamma=0`` it is `cross_entropy`, to the bit. A pixel whose true class has probability 1 gives 0 and
    a zero gradient for any gamma. With a sigmoid it is binary focal loss, over all pixels and channels.
    Absent classes and batches without a valid pixel behave as in `cross_entropy`.

    Args:
        logits: Raw scores.
        target: As in `cross_entropy`.
        gamma: How strongly easy pixels are played down, at least 0; the foil thesis uses 2.
        weight: One factor a class (alpha); for a sigmoid ``(c, 2)``, of negatives and positives; None for 1.
        reduction: As in `cross_entropy`.
        activation: What the channels mean, see `LossInputs`.
        positive_classes: Class index of each channel of a sigmoid; None for 1, 2, 3 and so on.
        ignore_index: Index of pixels that are left out.

    Returns:
        A scalar of at least 0, or a map as in `cross_entropy`.

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
    inputs = LossInputs(
        logits, target, activation=activation, positive_classes=positive_classes, ignore_index=ignore_index
    )
    return reduce_pixels(_focal_values(inputs, gamma=gamma), inputs, weight=weight, reduction=reduction)


class FocalSettings(PixelTermSettings):
    """Options of the focal loss."""

    gamma: float = Field(default=2.0, ge=0, allow_inf_nan=False)
    """How strongly easy pixels are played down; 0 is cross-entropy."""
    exclude: tuple[str, ...] = ()
    """Only with a softmax: classes whose pixels count as little as ignored ones. Their channels stay."""

    def label(self) -> str:
        """The loss and its own options, in words."""
        without = f" without {', '.join(self.exclude)}" if self.exclude else ""
        return f"focal gamma={self.gamma:g}{without}"


@register_loss("focal", FocalSettings)
def _build_focal(settings: FocalSettings, classes: ClassFacts) -> PixelTerm:
    if settings.exclude:
        classes.need(
            "softmax", "'exclude' of focal", instead="Give the class's channel the weight 0 in 'weights'."
        )
    exclude = classes.channels_of(settings.exclude)
    if len(set(exclude)) == classes.num_classes:
        raise OptionError("'exclude' of focal names every class. Keep at least one.")
    pixel_loss = partial(_focal_values, gamma=settings.gamma)
    return PixelTerm(
        pixel_loss, weight=settings.weight(classes), reduction=settings.reduction, exclude=exclude
    )


def _focal_values(inputs: LossInputs, *, gamma: float) -> Float[Tensor, "b h w"] | Float[Tensor, "b c h w"]:
    nll = inputs.nll if inputs.activation == "softmax" else inputs.bce
    if gamma == 0:
        return nll
    miss = -torch.expm1(-nll)  # 1 - p_t without cancellation
    if gamma < 1:
        # The power has an infinite slope at 0, which times a zero loss is NaN: the clamp cuts that slope off,
        # far below the least non-zero 1 - p_t of float32 (6e-8).
        miss = miss.clamp_min(1e-20)
    return miss.pow(gamma) * nll
