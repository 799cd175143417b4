"""How often does the winner change from seed to seed, and how firm is the whole ranking?"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import DataError, UnknownNameError
from rareseg.metrics.compare import check_alike
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.intervals import check_interval
from rareseg.metrics.rate_samples import mean_over_classes
from rareseg.metrics.rates import RATE_NAMES
from rareseg.metrics.run_samples import Averaging, RunSamples, draw_run_samples, mean_of_runs

__all__ = ["RankRange", "RankStability", "rank_stability"]


@dataclass(frozen=True)
class RankRange:
    """Ranks of one strategy; 1 is best, strategies that are level share the mean of their ranks."""

    by_seed: Mapping[int, float]
    """Rank with each seed."""
    low: float
    high: float
    """Range of the rank over draws of groups, seeds averaged; NaN with fewer than two groups."""
    share_first: float
    """Share of these draws in which it is first, alone or level with others; NaN with fewer than two groups."""


@dataclass(frozen=True)
class RankStability:
    """Rankings of the same strategies by one rate, seed by seed."""

    rate: str
    seeds: tuple[int, ...]
    strategies: Mapping[str, RankRange]
    """By name, best mean over seeds first."""
    left_out: Mapping[str, str]
    """Strategies that are not ranked, and why."""
    winners: Mapping[int, tuple[str, ...]]
    """Best strategy of each seed, or those that are level."""
    agreement: float
    """Share of the pairs of seeds that agree on a winner; NaN with fewer than two seeds."""
    concordance: float
    """Kendall's W over the seeds, corrected for ties: 1 where all rankings are alike, 0 where they have nothing
    in common. NaN with fewer than two seeds or strategies, or where all strategies are level."""
    mean_tau: float
    """Mean of Kendall's tau-b over pairs of seeds: -1 to 1; NaN like ``concordance``."""
    num_groups: int


def rank_stability(
    tables: Mapping[str, Mapping[int, CountsTable]],
    *,
    class_names: Sequence[str],
    rates: Sequence[str] = ("iou",),
    averaging: Averaging = "pooled",
    interval: float = 0.95,
    num_resamples: int = 1000,
    seed: int = 0,
    beta: float = 1.0,
) -> dict[str, RankStability]:
    """Rank strategies by the mean over classes with each seed and in draws of groups, by rate.

    A seed counts where more than half of the strategies have it. A strategy that lacks such a seed, or whose
    rate is undefined with one, is left out, and named. Draws in which the rate of a ranked strategy is
    undefined do not count.

    Args:
        tables: For each strategy the table (of one step and split) of each seed.
        class_names: Classes of the mean.
        rates: Names in `RATE_NAMES`; for ``fpr`` the lowest is best.
        averaging: ``pooled`` or ``images``.
        interval: Share of the draws inside a rank's range.
        num_resamples: Number of draws of groups.
        seed: Equal seeds give equal draws.
        beta: Weight of recall in ``f_beta``.

    Raises:
        UnknownNameError: A rate or class does not exist.
        DataError: No seed is shared by more than half of the strategies, or they were judged on different images.
        OptionError: ``interval``, ``num_resamples`` or ``beta`` is out of range.

    Example:
        >>> def run(hit):
        ...     table = CountsTable()
        ...     table.append(step=1, split="test", image="i", group="", class_names=["crack"],
        ...                  counts=[[hit, 0, 10 - hit, 90]])
        ...     return table
        >>> tables = {"plain": {0: run(5), 1: run(6), 2: run(4)}, "focal": {0: run(8), 1: run(7), 2: run(3)}}
        >>> found = rank_stability(tables, class_names=["crack"])["iou"]
        >>> found.winners, round(found.agreement, 3)
        ({0: ('focal',), 1: ('focal',), 2: ('plain',)}, 0.333)
    """
    check_interval(interval, num_resamples)
    for rate in rates:
        if rate not in RATE_NAMES:
            raise UnknownNameError("rate", rate, RATE_NAMES)
    seeds = _common_seeds(tables)
    lacking = {
        name: f"lacks seed {', '.join(str(s) for s in seeds if s not in own)}"
        for name, own in tables.items()
        if not own.keys() >= set(seeds)
    }
    names = [name for name in tables if name not in lacking]
    values, samples, num_groups = [], [], []
    first: RunSamples | None = None
    for name in names:
        chosen = [tables[name][number] for number in seeds]
        drawn = draw_run_samples(
            chosen, averaging=averaging, num_resamples=num_resamples, seed=seed, beta=beta
        )
        first = first or drawn
        check_alike(first, drawn)
        for class_name in class_names:
            if class_name not in drawn.class_names:
                raise UnknownNameError("class", class_name, drawn.class_names)
        counted = drawn.counted(class_names)
        values.append(mean_over_classes(drawn.values, counted))
        samples.append(mean_of_runs(mean_over_classes(drawn.samples, counted)))
        num_groups.append(drawn.least_groups(counted))
    return {
        rate: _of_rate(
            rate,
            seeds,
            dict(lacking),
            {name: value[:, i] for name, value in zip(names, values, strict=True)},
            {name: sample[:, i] for name, sample in zip(names, samples, strict=True)},
            num_groups=int(min(numbers[i] for numbers in num_groups)),
            interval=interval,
        )
        for rate in rates
        for i in [RATE_NAMES.index(rate)]
    }


def _common_seeds(tables: Mapping[str, Mapping[int, CountsTable]]) -> tuple[int, ...]:
    every = sorted({number for own in tables.values() for number in own})
    seeds = tuple(n for n in every if 2 * sum(n in own for own in tables.values()) > len(tables))
    if not any(own.keys() >= set(seeds) for own in tables.values()) or not seeds:
        raise DataError(
            "Rankings need seeds that more than half of the strategies finished, and a strategy with all of them, "
            f"but there are { ({name: sorted(own) for name, own in tables.items()}) }; finish the runs."
        )
    return seeds


def _of_rate(
    rate: str,
    seeds: tuple[int, ...],
    left_out: dict[str, str],
    values: Mapping[str, NDArray[np.float64]],
    samples: Mapping[str, NDArray[np.float64]],
    *,
    num_groups: int,
    interval: float,
) -> RankStability:
    for name, value in values.items():
        if np.isnan(value).any():
            without = ", ".join(str(s) for s, v in zip(seeds, value, strict=True) if np.isnan(v))
            left_out[name] = f"undefined with seed {without}"
    names = [name for name in values if name not in left_out]
    sign = 1.0 if rate == "fpr" else -1.0
    scores = sign * np.array([values[name] for name in names]).reshape(len(names), len(seeds)).T
    ranks = _ranks(scores)
    drawn = sign * np.stack([samples[name] for name in names], axis=1) if names else np.zeros((0, 0))
    drawn = drawn[~np.isnan(drawn).any(axis=1)]
    known = num_groups >= 2 and len(drawn) > 0 and len(names) > 0
    drawn_ranks = _ranks(drawn) if known else np.full((1, len(names)), np.nan)
    tail = (1 - interval) / 2
    low = np.quantile(drawn_ranks, tail, axis=0, method="inverted_cdf")
    high = np.quantile(drawn_ranks, 1 - tail, axis=0, method="inverted_cdf")
    first = (drawn <= drawn.min(axis=1, keepdims=True)).mean(axis=0) if known else [np.nan] * len(names)
    order = np.argsort(scores.mean(axis=0), kind="stable")
    ranges = {
        names[i]: RankRange(
            by_seed=dict(zip(seeds, ranks[:, i].tolist(), strict=True)),
            low=float(low[i]),
            high=float(high[i]),
            share_first=float(first[i]),
        )
        for i in order
    }
    winners = {
        number: tuple(name for name, score in zip(names, row, strict=True) if score == row.min())
        for number, row in zip(seeds, scores, strict=True)
        if len(row)
    }
    agree = [bool(set(a) & set(b)) for a, b in itertools.combinations(winners.values(), 2)]
    return RankStability(
        rate=rate,
        seeds=seeds,
        strategies=ranges,
        left_out=left_out,
        winners=winners,
        agreement=float(np.mean(agree)) if agree else np.nan,
        concordance=_concordance(ranks),
        mean_tau=_mean_tau(scores),
        num_groups=num_groups,
    )


def _ranks(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks along the last axis from 1 for the lowest; equal scores share the mean of their ranks."""
    below = (scores[:, None, :] < scores[:, :, None]).sum(axis=2)
    level = (scores[:, None, :] == scores[:, :, None]).sum(axis=2)
    ranks: NDArray[np.float64] = below + (level + 1) / 2
    return ranks


def _concordance(ranks: NDArray[np.float64]) -> float:
    """Kendall's W of ``(seeds, strategies)`` ranks, corrected for ties."""
    num_seeds, num = ranks.shape
    if num_seeds < 2 or num < 2:
        return np.nan
    sums = ranks.sum(axis=0)
    spread = ((sums - sums.mean()) ** 2).sum()
    # Ties lower the spread that rankings can have: the variance of each row is what is left of it.
    possible = num_seeds * ((ranks - (num + 1) / 2) ** 2).sum()
    return float(spread / possible) if possible else np.nan


def _mean_tau(scores: NDArray[np.float64]) -> float:
    """Mean Kendall's tau-b over pairs of rows; rows in which all are level have none."""
    num_seeds, num = scores.shape
    if num_seeds < 2 or num < 2:
        return np.nan
    first, second = np.triu_indices(num, 1)
    signs = np.sign(scores[:, first] - scores[:, second])
    lengths = np.sqrt((signs**2).sum(axis=1))
    taus = [
        float(signs[i] @ signs[j] / (lengths[i] * lengths[j]))
        for i, j in itertools.combinations(range(num_seeds), 2)
        if lengths[i] and lengths[j]
    ]
    return float(np.mean(taus)) if taus else np.nan
