"""Slopes of the Lovász extension of the Jaccard loss, from one sort of errors (arXiv 1705.08790)."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Integer
from torch import Tensor

__all__ = ["lovasz_slopes"]

_WORTH_PICKING = 0.8
"""Picking errors out and writing their slopes back costs about a fifth of sorting them."""


def lovasz_slopes(errors: Float[Tensor, "s n"], truth: Bool[Tensor, "s n"]) -> Float[Tensor, "s n"]:
    """What each error of a region adds to the Jaccard loss, as algorithm 1 of the paper orders them.

    Among equal errors true pixels come first, then others by place. Instead of differences of neighbouring
    losses, which cancel to noise in large regions, the slopes are written out: with ``P`` true pixels in the
    region and ``f`` of them and ``n`` others up to a pixel, itself included, that of a true pixel is
    ``1 / (P + n)`` and that of another ``(P - f) / ((P + n) (P + n - 1))``.

    Args:
        errors: At least 0; one region a row.
        truth: Which pixels belong to the region's class.

    Returns:
        One slope an error; in a row without a true pixel, 1 shared by the largest errors.

    Example:
        >>> errors, truth = torch.tensor([[0.9, 0.5, 0.1]]), torch.tensor([[False, True, False]])
        >>> lovasz_slopes(errors, truth)  # Jaccard losses of the first one, two and three: 1/2, 1, 1
        tensor([[0.5000, 0.5000, 0.0000]])
    """
    if errors.device.type != "cpu" or torch.compiler.is_compiling():
        pixels = truth.sum(dim=1, keepdim=True)
        return torch.where(pixels > 0, _sorted_slopes(errors, truth, pixels), _slopes_of_largest(errors))
    # One row after the other: a single row of integers is sorted by radix, several times faster.
    return torch.stack([_slopes_of_row(*row) for row in zip(errors, truth, strict=True)])


def _slopes_of_row(errors: Float[Tensor, " n"], truth: Bool[Tensor, " n"]) -> Float[Tensor, " n"]:
    pixels = truth.sum()
    if pixels == 0:
        return _slopes_of_largest(errors)
    if pixels == len(truth):
        return torch.full_like(errors, 1 / len(truth))
    # Below the least error of a true pixel no other has a slope; below the least error of the others all true
    # pixels have the same. A trained network leaves little above.
    least = torch.maximum(errors.where(truth, torch.inf).amin(), errors.where(~truth, torch.inf).amin())
    above = errors >= least
    if above.sum() > _WORTH_PICKING * len(errors):
        return _sorted_slopes(errors, truth, pixels)
    places = torch.nonzero(above)[:, 0]
    slopes = truth.to(errors.dtype) / len(truth)
    slopes[places] = _sorted_slopes(errors[places], truth[places], pixels)
    return slopes


def _sorted_slopes(
    errors: Float[Tensor, "*rows n"], truth: Bool[Tensor, "*rows n"], pixels: Integer[Tensor, "*one"]
) -> Float[Tensor, "*rows n"]:
    # Bits of floats from 0 upwards rise with their value. The truth goes below them, and all but the highest
    # bit is turned, so that the largest error comes first.
    kind = torch.int32 if errors.dtype == torch.float32 else torch.int64
    keys = (errors.view(kind) << 1).bitwise_or_(truth).bitwise_xor_(torch.iinfo(kind).max)
    keys, places = keys.sort(dim=-1, stable=True)
    is_true = keys.bitwise_and_(1) == 0
    others = keys.cumsum(dim=-1, dtype=torch.int32)
    position = torch.arange(1, errors.shape[-1] + 1, dtype=torch.int32, device=errors.device)
    pixels = pixels.int()
    slopes = (others - position).add_(pixels).to(errors.dtype)  # true pixels that are still to come
    union = others.add_(pixels).to(errors.dtype)
    slopes.div_((union - 1).clamp_min_(1)).masked_fill_(is_true, 1).div_(union.clamp_min_(1))
    return torch.empty_like(errors).scatter_(-1, places, slopes)


def _slopes_of_largest(errors: Float[Tensor, "*rows n"]) -> Float[Tensor, "*rows n"]:
    largest = errors == errors.amax(dim=-1, keepdim=True)
    return largest / largest.sum(dim=-1, keepdim=True).to(errors.dtype)
