"""An aim's figure over several runs before and after a change of decision, with intervals over groups and runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import DataError
from rareseg.metrics.intervals import check_interval, resampled_sums
from rareseg.metrics.run_samples import mean_of_runs
from rareseg.metrics.run_spread import RunSpread

__all__ = ["FigureSpread", "GroupedStatistics", "figure_spread"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class GroupedStatistics:
    """Statistics of the images of one run, and the group of each."""

    values: Floats
    """``(images, m)``."""
    groups: tuple[str, ...]


@dataclass(frozen=True)
class FigureSpread:
    """A figure, or a difference of figures, in the mean over runs; NaN where it is undefined."""

    mean: float
    low: float
    high: float
    """Ends of an interval over groups and runs; NaN with fewer than two groups."""
    share_above_zero: float
    """Chance that it is above 0."""
    by_run: tuple[float, ...]
    num_groups: int


def figure_spread(
    runs: Sequence[GroupedStatistics],
    figure: Callable[[Floats], Floats],
    *,
    minus: Sequence[GroupedStatistics] | None = None,
    interval: float = 0.95,
    num_resamples: int = 1000,
    seed: int = 0,
) -> FigureSpread:
    """Mean over runs of a figure of summed statistics, or of its difference to others of the same images.

    Groups are drawn with replacement, the same for all runs and both sides; the spread between runs widens the interval
    by Student's t, see `RunSpread`.

    Args:
        runs: One for each run.
        figure: Sums ``(..., m)`` to figures ``(...)``.
        minus: What is subtracted, run by run.
        interval: Share of the distribution inside the interval.
        num_resamples: Number of draws.
        seed: Equal seeds give equal draws.

    Raises:
        DataError: There is no run, or both sides differ in runs or groups.
        OptionError: ``interval`` or ``num_resamples`` is out of range.

    Example:
        >>> runs = [GroupedStatistics(np.array([[3.0, 4.0], [1.0, 4.0]]), ("a", "b"))]
        >>> found = figure_spread(runs, lambda sums: sums[..., 0] / sums[..., 1])
        >>> found.mean, found.num_groups
        (0.5, 2)
    """
    check_interval(interval, num_resamples)
    if not runs or (minus is not None and [r.groups for r in runs] != [r.groups for r in minus]):
        raise DataError(
            "Runs that were judged on the same images on both sides were expected; judge both on one split."
        )
    groups = sorted({group for run in runs for group in run.groups})

    def sums(side: Sequence[GroupedStatistics]) -> Floats:
        """``(groups, runs, m)``."""
        found = np.zeros((len(groups), len(side), side[0].values.shape[1]))
        for number, run in enumerate(side):
            np.add.at(found[:, number], np.searchsorted(groups, run.groups), run.values)
        return found

    total, drawn = _figures(sums(runs), figure, num_resamples, seed)
    if minus is not None:
        other, other_drawn = _figures(sums(minus), figure, num_resamples, seed)
        total, drawn = total - other, drawn - other_drawn
    defined = total[~np.isnan(total)]
    value = float(defined.mean()) if len(defined) else np.nan
    error = float(defined.std(ddof=1) / np.sqrt(len(defined))) if len(defined) > 1 else 0.0
    spread = RunSpread(value, mean_of_runs(drawn), len(groups), error=error, freedom=max(1, len(defined) - 1))
    known = len(groups) > 1 and not np.isnan(value)
    low, high = spread.interval(interval) if known else (np.nan, np.nan)
    above = spread.share_above_zero() if known else np.nan
    return FigureSpread(value, low, high, above, tuple(total.tolist()), len(groups))


def _figures(
    sums: Floats, figure: Callable[[Floats], Floats], num_resamples: int, seed: int
) -> tuple[Floats, Floats]:
    """Figures ``(runs,)`` of all groups, and ``(resamples, runs)`` of each draw."""
    return figure(sums.sum(axis=0)), figure(resampled_sums(sums, num_resamples=num_resamples, seed=seed))
