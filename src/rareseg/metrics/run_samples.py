"""Rates of several runs of one strategy, resampled over runs and over groups together."""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import DataError
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.cube import make_cube
from rareseg.metrics.intervals import group_weights, resampled_sums
from rareseg.metrics.rate_samples import groups_behind
from rareseg.metrics.rates import rate_columns, ratio

__all__ = ["Averaging", "RunSamples", "draw_run_samples", "mean_of_runs", "mean_over_runs"]

Averaging = Literal["pooled", "images"]
"""Rates of the summed counts, or means of the images' rates."""


@dataclass(frozen=True)
class RunSamples:
    """Rates of every run; the last two axes are classes and `RATE_NAMES`."""

    class_names: tuple[str, ...]
    images: frozenset[tuple[str, str]]
    """Image and group of everything that was judged."""
    values: NDArray[np.float64]
    """``(runs, classes, rates)``."""
    samples: NDArray[np.float64]
    """``(resamples, runs, classes, rates)``: every run in each draw of groups."""
    num_groups: NDArray[np.int64]
    """``(classes, rates)``: groups behind each rate, in any run."""

    def counted(self, class_names: Collection[str]) -> NDArray[np.bool_]:
        """``(classes, rates)``: the named classes, where the rate is defined in some run."""
        named = np.isin(self.class_names, list(class_names))
        known: NDArray[np.bool_] = named[:, None] & ~np.isnan(self.values).all(axis=0)
        return known

    def least_groups(self, counted: NDArray[np.bool_]) -> NDArray[np.int64]:
        """``(rates,)``: fewest groups behind any counted class, 0 where none counts."""
        far = np.iinfo(np.int64).max
        least = np.where(counted, self.num_groups, far).min(axis=0)
        return np.where(counted.any(axis=0), least, 0)


def draw_run_samples(
    tables: Sequence[CountsTable], *, averaging: Averaging, num_resamples: int, seed: int, beta: float
) -> RunSamples:
    """Compute every rate of every run in every draw of groups.

    All runs judge the same draw: the groups are one sample of the world, however many runs look.
    A run that lacks a group (another fold judged it) simply has no counts there.

    Raises:
        DataError: There is no table, a table holds several steps or splits, or the classes differ.
    """
    if not tables:
        raise DataError("At least one run's table was expected, but none came; give one for each seed.")
    cubes = [make_cube(table) for table in tables]
    class_names = cubes[0].class_names
    for number, cube in enumerate(cubes):
        if cube.class_names != class_names:
            raise DataError(
                f"All runs should have the classes {class_names}, but run {number} has {cube.class_names}; "
                "compare runs of one dataset."
            )
    groups = sorted({group for cube in cubes for group in cube.groups})
    counts = np.stack([cube.spread(cube.values, groups) for cube in cubes], axis=1)
    resample = functools.partial(resampled_sums, num_resamples=num_resamples, seed=seed)
    if averaging == "pooled":
        values = rate_columns(counts.sum(axis=0), beta=beta)
        samples = rate_columns(resample(counts), beta=beta)
    else:
        of_images = [rate_columns(cube.values, beta=beta) for cube in cubes]
        pairs = list(zip(cubes, of_images, strict=True))
        sums = np.stack([cube.spread(np.nan_to_num(rate), groups) for cube, rate in pairs], axis=1)
        numbers = np.stack([cube.spread(1.0 - np.isnan(rate), groups) for cube, rate in pairs], axis=1)
        values = ratio(sums.sum(axis=0), numbers.sum(axis=0))
        samples = ratio(resample(sums), resample(numbers))
    behind = groups_behind(counts, beta=beta).any(axis=1)
    judged = frozenset(
        (image, cube.groups[group])
        for cube in cubes
        for image, group in zip(cube.images, cube.group_index.tolist(), strict=True)
    )
    return RunSamples(class_names, judged, values, samples, behind.sum(axis=0))


def mean_of_runs(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over runs (second axis) of each resample, of those in which the rate is defined."""
    defined = ~np.isnan(samples)
    return ratio(np.nan_to_num(samples).sum(axis=1), defined.sum(axis=1))


def mean_over_runs(samples: NDArray[np.float64], *, seed: int, stream: int = 1) -> NDArray[np.float64]:
    """Mean over runs (second axis) of each resample, in which the runs too are drawn with replacement.

    Runs in which the value is undefined do not count. Equal seeds, streams and numbers of runs draw alike.
    """
    num_resamples, num_runs = samples.shape[:2]
    blocks = group_weights(num_runs, num_resamples=num_resamples, seed=seed, stream=stream)
    weights = np.concatenate(list(blocks)).reshape(num_resamples, num_runs, *[1] * (samples.ndim - 2))
    defined = weights * ~np.isnan(samples)
    return ratio((defined * np.nan_to_num(samples)).sum(axis=1), defined.sum(axis=1))
