"""Which windows Equal Pixels takes, and how often: grid, linear programme, limits, and the refusal with its proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import OptionError
from rareseg.sampling.balanced_weights import balanced_weights
from rareseg.sampling.equality_bound import EqualityBound, equality_bound
from rareseg.sampling.integral_counts import IntegralCounts
from rareseg.sampling.thin_windows import thin_windows
from rareseg.sampling.window_grid import WindowGrid, num_grid_windows, window_grid

__all__ = ["EqualWindows", "choose_equal_windows"]

_MOST_WINDOWS = 125_000
_PART_OF_PATCH = 16
_IMAGE_SHARE = 0.25
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class EqualWindows:
    """Windows with a positive weight, of sum 1, out of ``num_candidates`` that hold one of the classes."""

    grid: WindowGrid
    weights: NDArray[np.float64]
    num_candidates: int


@dataclass(frozen=True)
class _Demands:
    class_names: Sequence[str]
    tolerance: float
    image_share: float | None


def choose_equal_windows(
    counts: IntegralCounts,
    samples: Sequence[str],
    class_names: Sequence[str],
    classes: Sequence[int],
    *,
    patch_size: tuple[int, int],
    tolerance: float,
    stride: int | None,
    overlap: float,
    most_per_image: int | None,
    image_share: float | None,
) -> EqualWindows:
    """Choose windows and weights so that the expected pixels of the classes are equal.

    Expected totals are exactly equal where that is possible at all, which leaves the tolerance to chance. Where
    it is not, they are unequal by no more than the middle between what is possible and what is allowed.

    With a limit on windows of an image or on overlap the programme is solved twice: windows are ranked by the
    weight that they get without it, taken by rank as long as the limit allows, and weighted anew.

    Args:
        counts: Class pixels of the regions.
        samples: Sample of each region.
        class_names: Names of the classes to be equal, for messages.
        classes: Their indices.
        patch_size: Rows and columns of a window.
        tolerance: Largest over smallest total that is allowed, minus 1.
        stride: Pixels between windows; None for a sixteenth of the patch, coarser for very many windows.
        overlap: Largest part that two windows share.
        most_per_image: Most windows of an image; None for no limit.
        image_share: Part of an even share that every image gets; None for 0.25, halved until it can be.

    Raises:
        OptionError: The classes cannot be equal, or not with these limits.
    """
    steps = _default_stride(counts, patch_size) if stride is None else (stride, stride)
    grid = window_grid(counts, patch_size=patch_size, stride=steps, holding=classes)
    image = np.unique(np.array(samples)[grid.region], return_inverse=True)[1]
    demands = _Demands(class_names, tolerance, image_share)
    pixels = grid.counts[:, list(classes)]
    cure = "set 'include_background: false'" if 0 in classes else "take smaller patches or fewer 'classes'"
    weights = _weigh(pixels, image, demands, cure=cure)
    num_candidates = len(grid)
    if overlap < 1 or most_per_image is not None:
        kept = thin_windows(
            grid, image, weights, patch_size=patch_size, overlap=overlap, most_per_image=most_per_image
        )
        grid = grid.select(kept)
        cure = "set a larger 'overlap' or 'max_windows_per_image'"
        weights = _weigh(pixels[kept], image[kept], demands, cure=cure)
    return EqualWindows(grid.select(weights > 0), weights[weights > 0], num_candidates)


def _default_stride(counts: IntegralCounts, patch_size: tuple[int, int]) -> tuple[int, int]:
    steps = np.maximum(np.array(patch_size) // _PART_OF_PATCH, 1)
    while True:
        stride = (int(steps[0]), int(steps[1]))
        fits = num_grid_windows(counts, patch_size=patch_size, stride=stride) <= _MOST_WINDOWS
        if fits or (steps >= patch_size).all():
            return stride
        steps = np.minimum(np.maximum(steps * 5 // 4, steps + 1), patch_size)


def _weigh(
    pixels: NDArray[np.int32], image: NDArray[np.int64], demands: _Demands, *, cure: str
) -> NDArray[np.float64]:
    share = _IMAGE_SHARE if demands.image_share is None else demands.image_share
    weights = balanced_weights(pixels, image, ratio=1.0, image_share=share)
    if weights is not None:
        return weights
    ratio = _least_ratio(pixels, image, demands, cure)
    for lowered in (share, *(share / 2**power for power in range(1, 7)), 0.0):
        weights = balanced_weights(pixels, image, ratio=ratio, image_share=lowered)
        if weights is not None and (demands.image_share is None or lowered == share):
            return weights
        if weights is not None:
            raise OptionError(
                f"The plan 'equal_pixels' should give every image at least {share:g} of an even share of the "
                f"patches, which equal pixels do not allow; lower 'image_share' to {lowered:g}."
            )
    raise OptionError(
        f"The plan 'equal_pixels' should weigh {len(pixels)} windows, but the solver found no weights; take "
        "another 'stride'."
    )


def _least_ratio(pixels: NDArray[np.int32], image: NDArray[np.int64], demands: _Demands, cure: str) -> float:
    """Ratio of totals to ask for: 1, or half-way from what is possible to what is allowed."""
    if balanced_weights(pixels, image, ratio=1.0, image_share=0.0) is not None:
        return 1.0
    bound = equality_bound(pixels)
    if bound.ratio > 1 + demands.tolerance:
        raise OptionError(_refusal(bound, demands, len(pixels), cure))
    return (bound.ratio + 1 + demands.tolerance) / 2


def _refusal(bound: EqualityBound, demands: _Demands, num_windows: int, cure: str) -> str:
    names = np.array(demands.class_names)
    many = " and ".join(names[bound.plenty > _ROUNDING])
    few = " and ".join(names[bound.scarce > _ROUNDING * bound.scarce.max()])
    return (
        f"The plan 'equal_pixels' should have equal pixels of {', '.join(names)} within {demands.tolerance:g}, but "
        f"that is infeasible: in every mixture of the {num_windows} windows the largest total is at least "
        f"{bound.ratio:.3g} times the smallest ({many} against {few}); {cure}."
    )
