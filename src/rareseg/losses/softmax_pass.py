"""One pass over the logits of a softmax, forwards and backwards, for everything that most terms read."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from rareseg.losses.softmax_compiled import CompiledSoftmaxPass, class_marks

__all__ = ["SoftmaxValues", "softmax_pass", "sum_by_class"]


class SoftmaxValues(NamedTuple):
    """What the pass gives; see `softmax_pass`."""

    nll: Float[Tensor, "b h w"]
    probs: Float[Tensor, "b k h w"]
    intersection: Float[Tensor, "b k"] | None
    predicted: Float[Tensor, "b k"] | None


def softmax_pass(
    logits: Float[Tensor, "b k h w"],
    target: Int64[Tensor, "b h w"],
    valid: Bool[Tensor, "b h w"] | None,
    *,
    regions: bool,
) -> SoftmaxValues:
    """Cross-entropy of each pixel, probabilities, and their sums by class.

    However many of these a loss uses, its gradient is put together in one pass, by hand: with ``g`` the slope
    of the loss in each probability, that in the logits is ``p * (g - sum(p * g))``, and cross-entropy adds
    ``p - 1`` at the true class and ``p`` elsewhere. No one-hot map is built.

    Args:
        logits: Raw scores, float32 or float64.
        target: Class index of each pixel, any known one where ignored.
        valid: Pixels that count; None for all.
        regions: Whether to sum probabilities by class.

    Returns:
        Minus the log-probability of the true class and the probabilities, both 0 where ignored; and for each
        image and class, or None, the sum of its probability over its own pixels and over all valid pixels.
    """
    form = CompiledSoftmaxPass if torch.compiler.is_compiling() else _SoftmaxPass
    mask = None if valid is None else valid.to(logits.dtype)
    values = form.apply(logits, target, mask, regions)  # type: ignore[no-untyped-call]  # torch has no types here
    return SoftmaxValues(*values)


def sum_by_class(
    values: Float[Tensor, "b h w"] | Bool[Tensor, "b h w"],
    target: Int64[Tensor, "b h w"],
    *,
    num_classes: int,
) -> Tensor:
    """Sum of the values over each class's pixels, for every image; values are 0 where ignored.

    Returns:
        ``(b, k)`` in float64 on the CPU, elsewhere in the type that summing gives.
    """
    if values.device.type == "cpu" and not torch.compiler.is_compiling():
        # Added one after the other, which needs the width of float64.
        sums = torch.zeros(len(values), num_classes, dtype=torch.float64)
        return sums.scatter_add_(1, target.flatten(1), values.flatten(1).double())
    # Elsewhere many threads would add to one number, slowly and in another order each time.
    values = values.float() if values.dtype == torch.bool else values
    marks = class_marks(target, num_classes)
    return torch.stack([values.where(mark, 0).sum((1, 2)) for mark in marks], dim=1)


class _SoftmaxPass(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, target: Tensor, mask: Tensor | None, regions: bool
    ) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        ctx.set_materialize_grads(False)
        probs = F.softmax(logits, dim=1)
        # What the true class lacks to the likeliest, and that one's own, whose probability is at least 1 / k: no
        # second exponential of every logit, and no digits lost where logits are large.
        nll = logits.amax(dim=1).sub_(logits.gather(1, target[:, None])[:, 0]).sub_(probs.amax(dim=1).log_())
        true_probs = nll.neg().exp_() if regions else None
        if mask is not None:
            nll.mul_(mask)
            probs.mul_(mask[:, None])
            if true_probs is not None:
                true_probs.mul_(mask)
        ctx.save_for_backward(probs, target, mask, true_probs)
        if true_probs is None:
            return nll, probs, None, None
        intersection = sum_by_class(true_probs, target, num_classes=logits.shape[1])
        return nll, probs, intersection.to(probs.dtype), probs.sum((2, 3))

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor | None) -> tuple[Tensor, None, None, None]:
        of_nll, of_probs, of_intersection, of_predicted = slopes
        probs, target, mask, true_probs = ctx.saved_tensors
        shared = torch.zeros_like(probs[:, 0])  # what the slopes in all logits of a pixel have in common
        extra = torch.zeros_like(shared)  # what that of the true class gets beyond it
        if of_nll is not None:
            of_nll = of_nll if mask is None else of_nll * mask
            shared += of_nll
            extra -= of_nll
        if of_intersection is not None:
            own = of_intersection.gather(1, target.flatten(1)).view_as(target).mul_(true_probs)
            shared -= own
            extra += own
        if of_predicted is not None:
            shared -= torch.bmm(of_predicted[:, None], probs.flatten(2)).view_as(shared)
        if of_probs is not None:
            shared -= (probs * of_probs).sum(1)
        grad = probs * shared[:, None]
        if of_predicted is not None:
            grad.addcmul_(probs, of_predicted[:, :, None, None])
        if of_probs is not None:
            grad.addcmul_(probs, of_probs)
        return grad.scatter_add_(1, target[:, None], extra[:, None]), None, None, None
