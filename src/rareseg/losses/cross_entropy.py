"""Cross-entropy, plain and weighted by class."""

from __future__ import annotations

from jaxtyping import Float, Integer
from torch import Tensor

from rareseg.losses.inputs import LossInputs
from rareseg.losses.pixel_term import PixelTerm, PixelTermSettings
from rareseg.losses.reduction import Reduction, reduce_pixels
from rareseg.losses.term import ClassFacts, register_loss
from rareseg.types import IGNORE_INDEX

__all__ = ["cross_entropy"]


def cross_entropy(
    logits: Float[Tensor, "b k h w"],
    target: Integer[Tensor, "b h w"],
    *,
    weight: Float[Tensor, " k"] | None = None,
    reduction: Reduction = "mean",
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, "*size"]:
    """Minus the weighted log-probability of the true class (equation 3.7 of the foil thesis).

    A class absent from the batch adds nothing to the value; its logits are still pushed down at the pixels of
    the others. A batch without a valid pixel gives 0 and zero gradients. 16-bit logits work in float32.

    Args:
        logits: Raw scores.
        target: Class index of each pixel; pixels of ``ignore_index`` neither count nor receive a gradient.
        weight: One factor a class; None for 1.
        reduction: ``"mean"`` over valid pixels, ``"weighted_mean"`` over the sum of their weights (what torch
            calls mean), or ``"none"`` for a map.
        ignore_index: Index of pixels that are left out.

    Returns:
        A scalar of at least 0, or ``(b, h, w)`` where ``reduction="none"``.

    Raises:
        DataError: Logits and target do not belong together.
        ConfigError: The weight has not one value a class.

    Example:
        >>> import torch
        >>> logits = torch.log(torch.tensor([0.25, 0.75])).view(1, 2, 1, 1)
        >>> cross_entropy(logits, torch.tensor([[[0]]]))
        tensor(1.3863)
        >>> cross_entropy(logits, torch.tensor([[[0]]]), weight=torch.tensor([2.0, 1.0]))
        tensor(2.7726)
    """
    inputs = LossInputs(logits, target, ignore_index=ignore_index)
    return reduce_pixels(inputs.nll, inputs, weight=weight, reduction=reduction)


@register_loss("cross_entropy", PixelTermSettings)
def _build_cross_entropy(settings: PixelTermSettings, classes: ClassFacts) -> PixelTerm:
    return PixelTerm(_nll, weight=settings.weight(classes), reduction=settings.reduction)


def _nll(inputs: LossInputs) -> Float[Tensor, "b h w"]:
    return inputs.nll
