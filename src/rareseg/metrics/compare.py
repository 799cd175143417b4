"""Is strategy A better than strategy B: differences over the same groups and runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import DataError, UnknownNameError
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.intervals import check_interval, percentile_interval
from rareseg.metrics.rate_samples import mean_over_classes
from rareseg.metrics.rates import RATE_NAMES
from rareseg.metrics.run_samples import Averaging, RunSamples, draw_run_samples, mean_over_runs

__all__ = ["PairedDifference", "paired_difference"]


@dataclass(frozen=True)
class PairedDifference:
    """Rate of A minus rate of B, each a mean over its runs."""

    class_names: tuple[str, ...]
    """The class, or those that a mean over classes counts."""
    rate: str
    averaging: Averaging
    difference: float
    low: float
    high: float
    """Ends of the bootstrap interval; NaN where fewer than two groups stand behind it."""
    probability_better: float
    """Share of the resamples in which A is better (lower for fpr, else higher); a tie counts half."""
    num_runs: tuple[int, int]
    num_groups: int
    """Groups behind the interval; for a mean over classes, the least of its classes."""


def paired_difference(
    tables_a: Sequence[CountsTable],
    tables_b: Sequence[CountsTable],
    *,
    rate: str = "iou",
    class_names: Sequence[str] | None = None,
    averaging: Averaging = "pooled",
    interval: float = 0.95,
    num_resamples: int = 1000,
    seed: int = 0,
    beta: float = 1.0,
) -> list[PairedDifference]:
    """Compare two strategies class by class, and last in the mean over the classes (if there are several).

    Both are judged on the same draws of groups, which takes what is hard about an image out of the
    difference. Runs pair up by position (equal seeds saw equal patches); with different numbers of runs each
    side is drawn for itself.

    Args:
        tables_a: One table of one step and split for each run of A.
        tables_b: The same of B.
        rate: A name in `RATE_NAMES`.
        class_names: Classes to compare; by default all.
        averaging: ``pooled`` or ``images``.
        interval: Share of the resamples inside the interval.
        num_resamples: Number of resamples.
        seed: Equal seeds give equal intervals.
        beta: Weight of recall in ``f_beta``.

    Raises:
        UnknownNameError: A rate or class does not exist.
        DataError: A and B were judged on different images, groups or classes.
        OptionError: ``interval``, ``num_resamples`` or ``beta`` is out of range.

    Example:
        >>> def run(hits):
        ...     table = CountsTable()
        ...     for number, hit in enumerate(hits):
        ...         table.append(step=1, split="test", image=f"i{number}", group="", class_names=["crack"],
        ...                      counts=[[hit, 0, 10 - hit, 90]])
        ...     return table
        >>> result = paired_difference([run([8, 9, 7])], [run([5, 6, 7])], rate="tpr")[0]
        >>> round(result.difference, 3), result.probability_better > 0.9
        (0.2, True)
    """
    check_interval(interval, num_resamples)
    if rate not in RATE_NAMES:
        raise UnknownNameError("rate", rate, RATE_NAMES)
    a, b = (
        draw_run_samples(tables, averaging=averaging, num_resamples=num_resamples, seed=seed, beta=beta)
        for tables in (tables_a, tables_b)
    )
    _check_alike(a, b)
    chosen = list(a.class_names) if class_names is None else list(class_names)
    for name in chosen:
        if name not in a.class_names:
            raise UnknownNameError("class", name, a.class_names)
    choices = [(name,) for name in chosen] + ([tuple(chosen)] if len(chosen) > 1 else [])
    return [
        _compare(a, b, choice, rate=rate, averaging=averaging, interval=interval, seed=seed)
        for choice in choices
    ]


def _compare(
    a: RunSamples,
    b: RunSamples,
    choice: tuple[str, ...],
    *,
    rate: str,
    averaging: Averaging,
    interval: float,
    seed: int,
) -> PairedDifference:
    difference, samples, num_groups = _difference(a, b, choice, RATE_NAMES.index(rate), seed)
    low, high, better = _read_off(samples, interval, lower_is_better=rate == "fpr")
    known = num_groups >= 2 and not np.isnan(difference)
    return PairedDifference(
        class_names=choice,
        rate=rate,
        averaging=averaging,
        difference=difference,
        low=low if known else np.nan,
        high=high if known else np.nan,
        probability_better=better if known else np.nan,
        num_runs=(len(a.values), len(b.values)),
        num_groups=num_groups,
    )


def _difference(
    a: RunSamples, b: RunSamples, choice: tuple[str, ...], rate: int, seed: int
) -> tuple[float, NDArray[np.float64], int]:
    """Difference of the runs' means, its samples, and the groups behind them."""
    counted = a.counted(choice) | b.counted(choice)
    values = [mean_over_classes(side.values, counted)[:, rate] for side in (a, b)]
    samples = [mean_over_classes(side.samples, counted)[:, :, rate] for side in (a, b)]
    num_groups = int(min(side.least_groups(counted)[rate] for side in (a, b)))
    if len(values[0]) == len(values[1]):
        drawn = mean_over_runs(samples[0] - samples[1], seed=seed)
        return _mean(values[0] - values[1]), drawn, num_groups
    drawn = mean_over_runs(samples[0], seed=seed) - mean_over_runs(samples[1], seed=seed, stream=2)
    return _mean(values[0]) - _mean(values[1]), drawn, num_groups


def _mean(values: NDArray[np.float64]) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else np.nan


def _read_off(
    samples: NDArray[np.float64], interval: float, *, lower_is_better: bool
) -> tuple[float, float, float]:
    """Ends of the interval, and the share of samples in which A is better."""
    low, high = percentile_interval(samples, interval)
    defined = samples[~np.isnan(samples)] * (-1 if lower_is_better else 1)
    better = np.mean(defined > 0) + np.mean(defined == 0) / 2 if len(defined) else np.nan
    return float(low), float(high), float(better)


def _check_alike(a: RunSamples, b: RunSamples) -> None:
    if a.class_names != b.class_names:
        raise DataError(
            f"Both strategies should have the same classes, but have {a.class_names} and {b.class_names}; "
            "compare runs of one dataset."
        )
    if a.images != b.images:
        image, _ = min(a.images ^ b.images)
        raise DataError(
            f"Both strategies should be judged on the same images and groups, but '{image}' is not alike in "
            "both; evaluate both on one split."
        )
