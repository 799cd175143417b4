"""What several runs (seeds) of one strategy say about each class together."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import UnknownNameError
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.intervals import check_interval
from rareseg.metrics.rate_samples import mean_over_classes
from rareseg.metrics.rates import RATE_NAMES
from rareseg.metrics.run_samples import RunSamples, draw_run_samples, mean_of_runs
from rareseg.metrics.run_spread import RunSpread

__all__ = ["RunsEstimate", "RunsSummary", "summarise_runs"]


@dataclass(frozen=True)
class RunsEstimate:
    """One rate over the runs in which it is defined; NaN where it is defined in none."""

    mean: float
    low: float
    high: float
    """Ends of an interval that counts both the runs and the groups; NaN with fewer than two groups."""
    minimum: float
    maximum: float
    sd: float
    """Standard deviation between runs (n - 1); NaN for a single run."""
    num_runs: int
    num_groups: int
    """Groups behind the interval; for a mean over classes, the least of its classes."""
    num_classes: int
    """Classes that a mean over classes counts: those where the rate is defined in some run."""

    @classmethod
    def of(
        cls,
        values: NDArray[np.float64],
        samples: NDArray[np.float64],
        *,
        num_groups: int,
        num_classes: int,
        interval: float,
    ) -> RunsEstimate:
        """Estimate a rate in 0 to 1 from its runs.

        Args:
            values: ``(runs,)`` the rate of each run, NaN where undefined.
            samples: ``(resamples, runs)`` the same in each draw of groups.
            num_groups: Groups behind it.
            num_classes: Classes that it counts.
            interval: Share of its distribution inside the interval.
        """
        run = values[~np.isnan(values)]
        low, high = _interval(run, samples, num_groups, interval)
        return cls(
            mean=float(run.mean()) if len(run) else np.nan,
            low=low,
            high=high,
            minimum=float(run.min()) if len(run) else np.nan,
            maximum=float(run.max()) if len(run) else np.nan,
            sd=float(run.std(ddof=1)) if len(run) > 1 else np.nan,
            num_runs=len(run),
            num_groups=num_groups,
            num_classes=num_classes,
        )


@dataclass(frozen=True)
class RunsSummary:
    """Rates of one class, or the mean over several, keyed by the names in `RATE_NAMES`."""

    class_names: tuple[str, ...]
    """The class, or the classes that were averaged."""
    pooled: Mapping[str, RunsEstimate]
    mean_over_images: Mapping[str, RunsEstimate]


def summarise_runs(
    tables: Sequence[CountsTable],
    *,
    leave_out: Sequence[str] = (),
    interval: float = 0.95,
    num_resamples: int = 1000,
    seed: int = 0,
    beta: float = 1.0,
) -> list[RunsSummary]:
    """Summarise the runs of one strategy: each class, and last the mean over classes not left out.

    Intervals count both the groups, by bootstrap, and the runs, by Student's t, see `RunSpread`; they are cut to
    0 and 1. Three runs give a rough idea of their spread, no more, and the intervals are as wide as that makes them.
    A mean over classes counts the classes where the rate is defined in some run; a run in which one of them
    is undefined has no mean.

    Args:
        tables: One table of one step and split for each run.
        leave_out: Classes that the mean over classes does not count, such as the background.
        interval: Share of the resamples inside the interval.
        num_resamples: Number of resamples.
        seed: Equal seeds give equal intervals.
        beta: Weight of recall in ``f_beta``.

    Raises:
        UnknownNameError: A class to leave out is not in the tables.
        DataError: No table, several steps or splits in one, or different classes.
        OptionError: ``interval``, ``num_resamples`` or ``beta`` is out of range.

    Example:
        >>> runs = [CountsTable(), CountsTable()]
        >>> for table, hit in zip(runs, (6, 8)):
        ...     table.append(step=1, split="test", image="a", group="", class_names=["crack"],
        ...                  counts=[[hit, 0, 10 - hit, 90]])
        >>> tpr = summarise_runs(runs)[0].pooled["tpr"]
        >>> tpr.mean, tpr.minimum, tpr.maximum, round(tpr.sd, 3), tpr.num_runs
        (0.7, 0.6, 0.8, 0.141, 2)
    """
    check_interval(interval, num_resamples)
    draw = functools.partial(draw_run_samples, tables, num_resamples=num_resamples, seed=seed, beta=beta)
    pooled, images = draw(averaging="pooled"), draw(averaging="images")
    names = pooled.class_names
    for name in leave_out:
        if name not in names:
            raise UnknownNameError("class", name, names)
    choices = [(name,) for name in names] + [tuple(name for name in names if name not in leave_out)]
    return [
        RunsSummary(
            class_names=chosen,
            pooled=_estimates(pooled, chosen, interval),
            mean_over_images=_estimates(images, chosen, interval),
        )
        for chosen in choices
    ]


def _estimates(runs: RunSamples, chosen: tuple[str, ...], interval: float) -> dict[str, RunsEstimate]:
    counted = runs.counted(chosen)
    values = mean_over_classes(runs.values, counted)
    samples = mean_over_classes(runs.samples, counted)
    num_groups = runs.least_groups(counted)
    return {
        name: RunsEstimate.of(
            values[:, i],
            samples[:, :, i],
            num_groups=int(num_groups[i]),
            num_classes=int(counted[:, i].sum()),
            interval=interval,
        )
        for i, name in enumerate(RATE_NAMES)
    }


def _interval(
    run: NDArray[np.float64], samples: NDArray[np.float64], num_groups: int, interval: float
) -> tuple[float, float]:
    """Interval of the mean of the runs' rates; NaN with fewer than two groups."""
    if not len(run) or num_groups < 2:
        return np.nan, np.nan
    spread = RunSpread(
        value=float(run.mean()),
        samples=mean_of_runs(samples),
        num_groups=num_groups,
        error=float(run.std(ddof=1) / np.sqrt(len(run))) if len(run) > 1 else 0.0,
        freedom=max(1, len(run) - 1),
    )
    low, high = spread.interval(interval)
    return float(np.clip(low, 0, 1)), float(np.clip(high, 0, 1))
