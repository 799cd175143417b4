"""Rates of one evaluation and their bootstrap samples, pooled over pixels and as means over images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rareseg.metrics.cube import Cube
from rareseg.metrics.estimate import Estimate
from rareseg.metrics.intervals import percentile_interval, resampled_sums
from rareseg.metrics.rates import RATE_NAMES, rate_columns, ratio

__all__ = ["RateSamples", "draw_rate_samples", "estimate_rates", "groups_behind", "mean_over_classes"]

# These judge the class's own pixels, so that groups without the class tell nothing about their spread.
_OF_THE_CLASS = np.array([name in ("tpr", "precision", "iou", "dice", "f_beta") for name in RATE_NAMES])


@dataclass(frozen=True)
class RateSamples:
    """Arrays whose last two axes are classes and `RATE_NAMES`."""

    pooled: NDArray[np.float64]
    pooled_samples: NDArray[np.float64]
    mean: NDArray[np.float64]
    mean_samples: NDArray[np.float64]
    num_images: NDArray[np.int64]
    num_groups: NDArray[np.int64]


def draw_rate_samples(cube: Cube, *, num_resamples: int, seed: int, beta: float) -> RateSamples:
    """Resample the groups of ``cube`` (values tp, fp, fn, tn) and compute every rate of every resample."""
    counts = cube.by_group(cube.values)
    of_images = rate_columns(cube.values, beta=beta)
    defined = ~np.isnan(of_images)
    sums = cube.by_group(np.where(defined, of_images, 0.0))
    numbers = cube.by_group(defined.astype(np.int64))
    drawn_sums = resampled_sums(sums, num_resamples=num_resamples, seed=seed)
    drawn_numbers = resampled_sums(numbers, num_resamples=num_resamples, seed=seed)
    return RateSamples(
        pooled=rate_columns(counts.sum(axis=0), beta=beta),
        pooled_samples=rate_columns(
            resampled_sums(counts, num_resamples=num_resamples, seed=seed), beta=beta
        ),
        mean=ratio(sums.sum(axis=0), numbers.sum(axis=0)),
        mean_samples=ratio(drawn_sums, drawn_numbers),
        num_images=np.count_nonzero(defined, axis=0).astype(np.int64),
        num_groups=np.count_nonzero(groups_behind(counts, beta=beta), axis=0).astype(np.int64),
    )


def estimate_rates(
    value: NDArray[np.float64],
    samples: NDArray[np.float64],
    *,
    num_images: NDArray[np.int64],
    num_groups: NDArray[np.int64],
    interval: float,
) -> dict[str, Estimate]:
    """Name the rates (last axis) of one class; the interval is NaN where fewer than two groups count."""
    low, high = percentile_interval(samples, interval)
    known = (num_groups >= 2) & ~np.isnan(value)
    low, high = np.where(known, low, np.nan), np.where(known, high, np.nan)
    return {
        name: Estimate(float(value[i]), float(low[i]), float(high[i]), int(num_images[i]), int(num_groups[i]))
        for i, name in enumerate(RATE_NAMES)
    }


def groups_behind(counts: NDArray[np.int64], *, beta: float) -> NDArray[np.bool_]:
    """Which groups tell something about each rate's spread: ``(..., 4)`` counts to ``(..., rates)``."""
    with_class = (counts[..., 0] + counts[..., 2] > 0)[..., None]
    behind: NDArray[np.bool_] = ~np.isnan(rate_columns(counts, beta=beta)) & (with_class | ~_OF_THE_CLASS)
    return behind


def mean_over_classes(values: NDArray[np.float64], counted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean of ``(..., classes, rates)`` over the counted classes; NaN where one of these is undefined."""
    return ratio(np.where(counted, values, 0.0).sum(axis=-2), counted.sum(axis=0))
