"""Balanced softmax: a softmax in which each class counts by its training pixels (arXiv 2007.10740)."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float, Integer
from torch import Tensor, nn

from rareseg.losses.logit_adjustment import AdjustedTerm, logit_adjustment
from rareseg.losses.pixel_term import PixelTermSettings
from rareseg.losses.reduction import Reduction
from rareseg.losses.term import ClassFacts, register_loss
from rareseg.types import IGNORE_INDEX

__all__ = ["balanced_softmax"]


def balanced_softmax(
    logits: Float[Tensor, "b c h w"],
    target: Integer[Tensor, "b h w"],
    *,
    class_pixels: Sequence[int],
    weight: Float[Tensor, " c"] | None = None,
    reduction: Reduction = "mean",
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, "*size"]:
    """``-log(n_y exp(z_y) / sum_c n_c exp(z_c))`` with ``n`` the training pixels of each class.

    The same as `logit_adjustment` with ``tau=1``, which tells how it behaves and what absent classes give.
    **Only the logits of the loss are adjusted**: the network's answer is its raw logits.

    Args:
        logits: Raw scores.
        target: Class index of each pixel, as in `cross_entropy`.
        class_pixels: Pixels of each class in the training split.
        weight: One factor a class; None for 1.
        reduction: As in `cross_entropy`.
        ignore_index: Index of pixels that are left out.

    Returns:
        A scalar of at least 0, or a map ``(b, h, w)`` where ``reduction="none"``.

    Raises:
        DataError: Logits and target do not belong together, or a class has no pixels.
        ConfigError: The counts or weights are not one a class.

    Example:
        >>> import torch
        >>> logits = torch.log(torch.tensor([1.0, 9.0])).view(1, 2, 1, 1)
        >>> balanced_softmax(logits, torch.tensor([[[1]]]), class_pixels=[900, 100])  # -log(9 / (9 + 9))
        tensor(0.6931)
    """
    return logit_adjustment(
        logits,
        target,
        class_pixels=class_pixels,
        tau=1.0,
        weight=weight,
        reduction=reduction,
        ignore_index=ignore_index,
    )


@register_loss("balanced_softmax", PixelTermSettings)
def _build_balanced_softmax(settings: PixelTermSettings, classes: ClassFacts) -> nn.Module:
    return AdjustedTerm(settings, classes, tau=1.0)
