"""Is strategy A better than strategy B: differences over the same groups and runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import DataError, UnknownNameError
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.intervals import check_interval
from rareseg.metrics.rate_samples import mean_over_classes
from rareseg.metrics.rates import RATE_NAMES, ratio
from rareseg.metrics.run_samples import Averaging, RunSamples, draw_run_samples
from rareseg.metrics.run_spread import RunSpread

__all__ = ["PairedDifference", "check_alike", "compare_runs", "paired_difference"]


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
    """Ends of the interval over groups and runs; NaN where fewer than two groups stand behind it. With a
    single run a side it speaks of the groups alone."""
    probability_better: float
    """Chance that A is really better (lower for fpr, else higher); a tie counts half."""
    num_runs: tuple[int, int]
    num_groups: int
    """Groups behind the interval; for a mean over classes, the least of its classes."""

    def mirrored(self) -> PairedDifference:
        """B against A."""
        return replace(
            self,
            difference=-self.difference,
            low=-self.high,
            high=-self.low,
            probability_better=1 - self.probability_better,
            num_runs=(self.num_runs[1], self.num_runs[0]),
        )


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
    difference. Runs pair up by position (equal seeds saw equal patches), and the spread of the differences
    between runs widens the interval by Student's t, see `RunSpread`; with different numbers of runs each side
    spreads for itself (Welch). Two runs are next to nothing (t of one degree of freedom), three the least that
    can show something, five show much more.

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
    chosen = list(a.class_names) if class_names is None else list(class_names)
    choices = [(name,) for name in chosen] + ([tuple(chosen)] if len(chosen) > 1 else [])
    return [
        compare_runs(a, b, choice, rates=(rate,), averaging=averaging, interval=interval)[rate]
        for choice in choices
    ]


def compare_runs(
    a: RunSamples,
    b: RunSamples,
    class_names: tuple[str, ...],
    *,
    rates: Sequence[str],
    averaging: Averaging,
    interval: float,
) -> dict[str, PairedDifference]:
    """Compare two strategies that were drawn already, in one class or the mean over several, by rate.

    Raises:
        UnknownNameError: A class does not exist.
        DataError: A and B were judged on different images, groups or classes.
    """
    check_alike(a, b)
    for name in class_names:
        if name not in a.class_names:
            raise UnknownNameError("class", name, a.class_names)
    counted = a.counted(class_names) | b.counted(class_names)
    values = [mean_over_classes(side.values, counted) for side in (a, b)]
    samples = [mean_over_classes(side.samples, counted) for side in (a, b)]
    num_groups = np.minimum(a.least_groups(counted), b.least_groups(counted))
    found = {}
    for rate in rates:
        i = RATE_NAMES.index(rate)
        spread = _spread(
            (values[0][:, i], values[1][:, i]),
            (samples[0][:, :, i], samples[1][:, :, i]),
            num_groups=int(num_groups[i]),
        )
        known = spread.num_groups >= 2 and not np.isnan(spread.value)
        low, high = spread.interval(interval) if known else (np.nan, np.nan)
        above = spread.share_above_zero() if known else np.nan
        found[rate] = PairedDifference(
            class_names=class_names,
            rate=rate,
            averaging=averaging,
            difference=spread.value,
            # Rates lie in 0 to 1, so a difference can be no larger.
            low=float(np.clip(low, -1, 1)),
            high=float(np.clip(high, -1, 1)),
            probability_better=1 - above if rate == "fpr" else above,
            num_runs=(len(values[0]), len(values[1])),
            num_groups=spread.num_groups,
        )
    return found


def _spread(
    values: tuple[NDArray[np.float64], NDArray[np.float64]],
    samples: tuple[NDArray[np.float64], NDArray[np.float64]],
    *,
    num_groups: int,
) -> RunSpread:
    """What is known of A minus B from ``(runs,)`` values and ``(resamples, runs)`` samples of each."""
    if len(values[0]) == len(values[1]):
        difference = values[0] - values[1]
        parts = [_variance(difference)]
        mean, drawn = _mean(difference), _mean(samples[0] - samples[1])
    else:
        parts = [_variance(side) for side in values]
        mean, drawn = _mean(values[0]) - _mean(values[1]), _mean(samples[0]) - _mean(samples[1])
    total = sum(variance for variance, _ in parts)
    total = 0.0 if total < 1e-24 else total  # runs that differ by roundings alone
    # Satterthwaite: the degrees of freedom of a sum of two variances.
    spent = sum(variance**2 / freedom for variance, freedom in parts if freedom)
    freedom = total**2 / spent if spent else 1.0
    return RunSpread(float(mean), drawn, num_groups, error=float(np.sqrt(total)), freedom=freedom)


def _variance(values: NDArray[np.float64]) -> tuple[float, int]:
    """Variance of the mean of the defined values, and its degrees of freedom: 0 and 0 for fewer than two."""
    defined = values[~np.isnan(values)]
    if len(defined) < 2:
        return 0.0, 0
    return float(defined.var(ddof=1)) / len(defined), len(defined) - 1


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the last axis of what is defined."""
    return ratio(np.nan_to_num(values).sum(axis=-1), (~np.isnan(values)).sum(axis=-1))


def check_alike(a: RunSamples, b: RunSamples) -> None:
    """Refuse to compare what was judged on different images, groups or classes.

    Raises:
        DataError: They differ.
    """
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
