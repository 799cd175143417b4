"""Which strategies beat which, and how surely: all pairs on the same images and seeds."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rareseg.metrics.compare import PairedDifference
from rareseg.metrics.compare_all import compare_all
from rareseg.metrics.counts_table import CountsTable
from rareseg.report.load_runs import StudyRuns
from rareseg.report.numerals import level, percent, signed
from rareseg.report.results import SplitResults, judged_table, seed_tables

__all__ = ["Pair", "all_pairs", "mean_classes", "pair_sentence", "split_tables", "top_pairs"]


@dataclass(frozen=True)
class Pair:
    """Strategy ``a`` minus strategy ``b`` in IoU: in the mean over the rare classes, and in each."""

    a: str
    b: str
    mean: PairedDifference
    classes: Mapping[str, PairedDifference]


def mean_classes(results: SplitResults) -> tuple[str, ...]:
    """Classes of the mean: the counted ones, without those of a single group where others remain, since a mean
    that counts them has no interval."""
    return results.firm if results.lonely and results.firm else results.counted


def split_tables(study: StudyRuns, split: str) -> dict[str, dict[int, CountsTable]]:
    """The last counts of every strategy on one split, by seed."""
    return {
        name: seed_tables(study, name, [judged_table(run, split) for run in study.finished(name)])
        for name in study.strategies
    }


def top_pairs(study: StudyRuns, results: SplitResults, *, interval: float) -> list[Pair]:
    """The winner against the reference and against the runner-up; one pair where these are the same, and none
    with a single ranked strategy."""
    names = [strategy.name for strategy in results.ranked]
    if len(names) < 2:
        return []
    best, reference = names[0], results.strategies[0].name
    others = [name for name in dict.fromkeys((reference, names[1])) if name != best]
    return _compare_each(study, results, [(best, other) for other in others], interval=interval)


def all_pairs(study: StudyRuns, results: SplitResults, *, interval: float) -> list[Pair]:
    """Every two strategies, the better in the ranking first."""
    names = [strategy.name for strategy in results.ranked]
    return _compare_each(study, results, itertools.combinations(names, 2), interval=interval)


def _compare_each(
    study: StudyRuns, results: SplitResults, pairs: Iterable[tuple[str, str]], *, interval: float
) -> list[Pair]:
    """Compare pairs of strategies; empty where the split holds no rare class."""
    classes = mean_classes(results)
    if not classes:
        return []
    found = compare_all(
        split_tables(study, results.split),
        pairs=pairs,
        choices=[classes, *((name,) for name in results.counted)],
        interval=interval,
    )
    return [
        Pair(a, b, mean["iou"], {name: one["iou"] for name, one in zip(results.counted, single, strict=True)})
        for (a, b), (mean, *single) in found.items()
    ]


def pair_sentence(pair: Pair, *, interval: float, roles: Mapping[str, str] | None = None) -> str:
    """One pair in plain words.

    Args:
        pair: The pair.
        interval: Share that the interval was made for.
        roles: What to say after a name, such as ``(the baseline)``.
    """
    told = {
        name: f"{name}{' ' + roles[name] if roles and name in roles else ''}" for name in (pair.a, pair.b)
    }
    mean = pair.mean
    rate = "mean IoU" if len(mean.class_names) > 1 else "IoU"
    what = f"{told[pair.a]} against {told[pair.b]}: {signed(mean.difference)} in {rate}"
    if mean.low != mean.low:
        return f"{what}, no interval."
    bounds = f"{level(interval)} interval {signed(mean.low)} to {signed(mean.high)}"
    return f"{what} ({bounds}), better with a chance of {percent(mean.probability_better)}."
