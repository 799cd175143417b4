"""From one loss value a pixel to one number."""

from __future__ import annotations

from typing import Literal

from jaxtyping import Float
from torch import Tensor

from rareseg.errors import ConfigError
from rareseg.losses.inputs import LossInputs

__all__ = ["Reduction", "reduce_pixels"]

Reduction = Literal["mean", "weighted_mean", "none"]
"""mean: over valid pixels; weighted_mean: over the sum of their weights, as torch does; none: a map."""


def reduce_pixels(
    values: Float[Tensor, "b h w"],
    inputs: LossInputs,
    *,
    weight: Float[Tensor, " k"] | None,
    reduction: Reduction,
) -> Float[Tensor, "*size"]:
    """Weight each pixel by its true class and reduce.

    Where nothing counts (every pixel ignored, or every weight met is 0) the result and every gradient are 0.

    Args:
        values: Unweighted loss of each pixel, 0 where ignored.
        inputs: The batch that the values came from.
        weight: One factor a class, or None for 1.
        reduction: ``"mean"`` divides the weighted sum by the number of valid pixels (equation 3.7 of the foil
            thesis, averaged), so larger weights mean a larger loss; ``"weighted_mean"`` divides by the sum of
            the weights of the valid pixels; ``"none"`` returns ``(b, h, w)``.

    Raises:
        ConfigError: The weight has not one value a class, or the reduction is unknown.
    """
    weights = None if weight is None else _weight_map(inputs, weight.to(values))
    weighted = values if weights is None else values * weights
    if reduction == "none":
        return weighted
    if reduction == "mean":
        return weighted.sum() / inputs.num_valid.clamp_min(1)
    if reduction == "weighted_mean":
        if weights is None:
            return weighted.sum() / inputs.num_valid.clamp_min(1)
        total = (weights * inputs.valid).sum()
        return weighted.sum() / total.where(total > 0, 1)
    raise ConfigError(
        f"Expected reduction 'mean', 'weighted_mean' or 'none', but got '{reduction}'. Use one of them."
    )


def _weight_map(inputs: LossInputs, weight: Float[Tensor, " k"]) -> Float[Tensor, "b h w"]:
    """Weight of each pixel's true class; where ignored, that of the first, since the value is 0 there."""
    if weight.shape != (inputs.num_classes,):
        raise ConfigError(
            f"Expected one weight for each of {inputs.num_classes} classes, but got {tuple(weight.shape)}."
            " Give them in class order."
        )
    known = inputs.target.where(inputs.valid, 0).flatten()
    return weight.index_select(0, known).view_as(inputs.target)
