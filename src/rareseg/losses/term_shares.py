"""How much each term of a summed loss pulls."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Integer
from torch import Tensor

from rareseg.losses.inputs import LossInputs
from rareseg.losses.terms import Loss

__all__ = ["TermShare", "term_shares"]


class TermShare(NamedTuple):
    """Value of a term, scale included, and its share of the gradient."""

    value: float
    gradient_share: float


def term_shares(
    loss: Loss, logits: Float[Tensor, "b c h w"], target: Integer[Tensor, "b ..."]
) -> dict[str, TermShare]:
    """Value of every term and the L2 norm of its gradient with respect to the logits, as a share of their sum.

    Terms that pull against each other can each have a large share and little effect together. Where no term has a
    gradient, all shares are equal.

    Args:
        loss: The sum.
        logits: Raw scores; no gradient reaches them.
        target: As the loss takes it.

    Example:
        >>> from rareseg.losses.terms import build_loss
        >>> loss = build_loss(
        ...     ["cross_entropy", {"name": "cross_entropy", "scale": 3.0}],
        ...     class_pixels=[9, 1],
        ...     class_names=["background", "crack"],
        ... )
        >>> shares = term_shares(loss, torch.zeros(1, 2, 2, 2), torch.zeros(1, 2, 2, dtype=torch.long))
        >>> [round(share.gradient_share, 3) for share in shares.values()]
        [0.25, 0.75]
    """
    leaf = logits.detach().float().requires_grad_()
    values, norms = [], []
    with torch.enable_grad():
        for (_, term), scale in zip(loss.terms.items(), loss.scales, strict=True):
            inputs = LossInputs(
                leaf, target, activation=loss.activation, positive_classes=loss.positive_classes
            )
            value = term(inputs) * scale
            (gradient,) = torch.autograd.grad(value, leaf)
            values.append(value.detach())
            norms.append(gradient.norm())
    norm = torch.stack(norms)
    share = torch.where(norm.sum() > 0, norm / norm.sum(), 1 / len(norms))
    return {
        name: TermShare(value, part)
        for name, value, part in zip(loss.terms, torch.stack(values).tolist(), share.tolist(), strict=True)
    }
