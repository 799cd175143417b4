"""From one loss value a pixel to one number."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from rareseg.errors import ConfigError
from rareseg.losses.inputs import LossInputs
from rareseg.losses.softmax_compiled import class_marks, pick_class

__all__ = ["Reduction", "reduce_pixels"]

Reduction = Literal["mean", "weighted_mean", "none"]
"""mean: over valid pixels; weighted_mean: over the sum of their weights, as torch does; none: a map."""


def reduce_pixels(
    values: Float[Tensor, "b h w"] | Float[Tensor, "b c h w"],
    inputs: LossInputs,
    *,
    weight: Float[Tensor, " k"] | Float[Tensor, "c 2"] | None,
    reduction: Reduction,
    counted: Bool[Tensor, "b h w"] | None = None,
) -> Float[Tensor, "*size"]:
    """Weight each value by its truth and reduce.

    Where nothing counts (every pixel ignored, or every weight met is 0) the result and every gradient are 0.

    Args:
        values: Unweighted loss, 0 where ignored: one value a pixel for softmax, one a pixel and channel for
            sigmoid.
        inputs: The batch that the values came from.
        weight: For softmax one factor a class; for sigmoid the factors of negatives and positives of each
            channel; None for 1.
        reduction: ``"mean"`` divides the weighted sum by the number of valid pixels (equation 3.7 of the foil
            thesis, averaged), for sigmoid by that of all channels together, so larger weights mean a larger
            loss; ``"weighted_mean"`` divides by the sum of the weights of the valid pixels; ``"none"``
            returns a map.
        counted: Which valid pixels the reduction is over, where these are not all; only for softmax.

    Raises:
        ConfigError: The weight has not one value a class, or the reduction is unknown.
    """
    weights = None if weight is None else _weight_map(inputs, weight.to(values))
    weighted = values if weights is None else values * weights
    if counted is not None:
        weighted = weighted.where(counted, 0)
    if reduction == "none":
        return weighted
    if reduction == "mean" or (reduction == "weighted_mean" and weights is None):
        num = inputs.num_valid if counted is None else counted.sum()
        return weighted.sum() / num.clamp_min(1)
    if reduction == "weighted_mean":
        assert weights is not None
        valid = inputs.valid if inputs.activation == "softmax" else inputs.channel_valid
        total = (weights * (valid if counted is None else counted)).sum()
        return weighted.sum() / total.where(total > 0, 1)
    raise ConfigError(
        f"Expected reduction 'mean', 'weighted_mean' or 'none', but got '{reduction}'. Use one of them."
    )


def _weight_map(inputs: LossInputs, weight: Tensor) -> Tensor:
    """Weight of each value; where ignored, that of some class, since the value is 0 there."""
    num = inputs.num_channels
    if inputs.activation == "sigmoid":
        if weight.shape != (num, 2):
            raise ConfigError(
                f"Expected a weight of negatives and of positives for each of {num} channels, ({num}, 2), but got"
                f" {tuple(weight.shape)}. Give a pair for each positive class."
            )
        negative, positive = weight[:, :, None, None].unbind(dim=1)
        return torch.where(inputs.truth, positive, negative)
    if weight.shape != (num,):
        raise ConfigError(
            f"Expected one weight for each of {num} classes, but got {tuple(weight.shape)}."
            " Give them in class order."
        )
    if torch.compiler.is_compiling():
        return pick_class(class_marks(inputs.known_target, num), weight.unbind(0)).expand_as(inputs.target)
    return weight.index_select(0, inputs.known_target.flatten()).view_as(inputs.target)
