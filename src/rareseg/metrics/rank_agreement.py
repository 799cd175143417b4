"""Do two sets of labels rank the same runs alike?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import DataError, UnknownNameError
from rareseg.metrics.compare import check_alike
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.intervals import check_interval, percentile_interval
from rareseg.metrics.rate_samples import mean_over_classes
from rareseg.metrics.rates import RATE_NAMES
from rareseg.metrics.run_samples import Averaging, RunSamples, draw_run_samples, mean_over_runs

__all__ = ["RankAgreement", "rank_agreement"]


@dataclass(frozen=True)
class RankAgreement:
    """Two rankings of the same strategies, and how alike they are."""

    first: Mapping[str, float]
    """Rank of each strategy by the first labels, 1 is best; level ones share the mean of their ranks."""
    second: Mapping[str, float]
    tau: float
    """Kendall's tau-b of the rate's means over runs: 1 where all pairs are in the same order, -1 where all are
    turned round. NaN with fewer than two strategies, or where all are level."""
    low: float
    high: float
    """Ends of the bootstrap interval; NaN with fewer than two groups."""
    num_groups: int


def rank_agreement(
    first: Mapping[str, Sequence[CountsTable]],
    second: Mapping[str, Sequence[CountsTable]],
    *,
    class_names: Sequence[str],
    rate: str = "iou",
    averaging: Averaging = "pooled",
    interval: float = 0.95,
    num_resamples: int = 1000,
    seed: int = 0,
    beta: float = 1.0,
) -> RankAgreement:
    """Rank strategies by the mean over classes, by two sets of labels, and compare the rankings.

    The interval draws groups and runs with replacement, the same ones for both sets of labels and for all
    strategies with as many runs. Draws in which the rate of a strategy is undefined do not count. With three
    runs it is too narrow rather than too wide (`RunSpread` says why).

    Args:
        first: For each strategy a table (of one step and split) of each run.
        second: The same runs, in the same order, by the other labels.
        class_names: Classes of the mean; both sets of labels hold them.
        rate: A name in `RATE_NAMES`; for ``fpr`` the lowest is best.
        averaging: ``pooled`` or ``images``.
        interval: Share of the draws inside the interval.
        num_resamples: Number of draws.
        seed: Equal seeds give equal draws.
        beta: Weight of recall in ``f_beta``.

    Raises:
        UnknownNameError: A rate or class does not exist.
        DataError: The sides differ in strategies, runs or images, or a strategy's rate is undefined.
        OptionError: ``interval``, ``num_resamples`` or ``beta`` is out of range.

    Example:
        >>> def run(hits):
        ...     table = CountsTable()
        ...     for number, hit in enumerate(hits):
        ...         table.append(step=1, split="test", image=f"i{number}", group="", class_names=["crack"],
        ...                      counts=[[hit, 0, 10 - hit, 90]])
        ...     return table
        >>> own = {"plain": [run([5, 6])], "focal": [run([8, 7])], "dice": [run([9, 9])]}
        >>> exact = {"plain": [run([4, 3])], "focal": [run([8, 9])], "dice": [run([7, 6])]}
        >>> found = rank_agreement(own, exact, class_names=["crack"])
        >>> found.second, round(found.tau, 3)
        ({'plain': 3.0, 'focal': 1.0, 'dice': 2.0}, 0.333)
    """
    check_interval(interval, num_resamples)
    if rate not in RATE_NAMES:
        raise UnknownNameError("rate", rate, RATE_NAMES)
    if first.keys() != second.keys() or any(len(first[name]) != len(second[name]) for name in first):
        raise DataError(
            "Both sets of labels should judge the same runs, but they differ: "
            f"{ {n: len(t) for n, t in first.items()} } and { {n: len(t) for n, t in second.items()} }; "
            "evaluate all runs by both."
        )
    sides = [
        {
            name: draw_run_samples(
                tables, averaging=averaging, num_resamples=num_resamples, seed=seed, beta=beta
            )
            for name, tables in side.items()
        }
        for side in (first, second)
    ]
    everything = [drawn for side in sides for drawn in side.values()]
    for drawn in everything:
        check_alike(everything[0], drawn)
        for name in class_names:
            if name not in drawn.class_names:
                raise UnknownNameError("class", name, drawn.class_names)
    column = RATE_NAMES.index(rate)
    sign = -1.0 if rate == "fpr" else 1.0
    values, samples = [], []
    for side in sides:
        found = [_of_strategy(drawn, class_names, column, seed) for drawn in side.values()]
        values.append(sign * np.array([value for value, _ in found]))
        samples.append(sign * np.stack([draws for _, draws in found], axis=1))
    for name, *both in zip(first, *values, strict=True):
        if np.isnan(both).any():
            raise DataError(f"The {rate} of '{name}' is undefined by one set of labels; leave it out.")
    num_groups = min(int(drawn.least_groups(drawn.counted(class_names))[column]) for drawn in everything)
    low, high = percentile_interval(_tau(*samples), interval)
    known = num_groups >= 2
    return RankAgreement(
        first=_ranks(first, values[0]),
        second=_ranks(first, values[1]),
        tau=float(_tau(values[0][None], values[1][None])[0]),
        low=float(low) if known else np.nan,
        high=float(high) if known else np.nan,
        num_groups=num_groups,
    )


def _of_strategy(
    drawn: RunSamples, class_names: Sequence[str], column: int, seed: int
) -> tuple[float, NDArray[np.float64]]:
    """Mean over runs, and the same in each draw of groups and runs."""
    counted = drawn.counted(class_names)
    values = mean_over_classes(drawn.values, counted)[:, column]
    known = values[~np.isnan(values)]
    draws = mean_over_runs(mean_over_classes(drawn.samples, counted), seed=seed)[:, column]
    return float(known.mean()) if len(known) else np.nan, draws


def _tau(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kendall's tau-b of each row of two ``(draws, strategies)`` arrays; NaN where a row is level or undefined."""
    above, below = np.triu_indices(first.shape[1], 1)
    signs = [np.sign(side[:, above] - side[:, below]) for side in (first, second)]
    length = np.sqrt((signs[0] ** 2).sum(axis=1) * (signs[1] ** 2).sum(axis=1))
    tau: NDArray[np.float64] = np.full(len(first), np.nan)
    np.divide((signs[0] * signs[1]).sum(axis=1), length, out=tau, where=length != 0)
    return tau


def _ranks(names: Mapping[str, object], values: NDArray[np.float64]) -> dict[str, float]:
    above = (values[None, :] > values[:, None]).sum(axis=1)
    level = (values[None, :] == values[:, None]).sum(axis=1)
    return {name: float(rank) for name, rank in zip(names, above + (level + 1) / 2, strict=True)}
