"""The figures of a report: one split, every strategy, all from the stored counts."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rareseg.metrics.compare import PairedDifference
from rareseg.metrics.compare_all import compare_all
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.region_summary import RegionSummary, summarise_regions
from rareseg.metrics.region_table import RegionTable
from rareseg.metrics.runs_summary import RunsSummary, summarise_runs
from rareseg.metrics.summary import summarise
from rareseg.report.load_runs import Run, StudyRuns
from rareseg.report.pixel_rates import PixelRates

__all__ = ["BETA", "RARE", "SHOWN_RATES", "SplitResults", "StrategyResults", "split_results"]

BETA = 2.0
"""F-beta of the report: recall weighs twice as much as precision (beta 1 would be Dice again)."""
SHOWN_RATES = ("iou", "dice", "precision", "tpr", "fpr", "f_beta")
FEW_GROUPS = 3
"""A class in fewer groups has an interval that says little; means are given with and without such classes."""
RARE = "mean of the rare classes"
"""Key of the mean over rare classes beside the names of classes."""


@dataclass(frozen=True)
class StrategyResults:
    """What the runs of one strategy gave on one split.

    Args:
        name: The strategy.
        index: Its position in the study, which fixes its colour and shape.
        seeds: Seeds of its finished runs.
        classes: Summary over the runs, by class.
        rare: Mean over the rare classes that the split holds; None where it holds none.
        firm: The same without classes that rest on a single group; None where that changes nothing.
        solid: The same without classes in fewer groups than `FEW_GROUPS`; None where that changes nothing more.
        by_seed: Pooled rates of each seed, by class (and `RARE`).
        num_images: Least and greatest number, over seeds, of images in which a rate is defined, by class.
        pixels: TP, FP, FN, TN and the classic rates, by class.
        regions: Detection by region, seeds taken together, by class; empty where no run stored regions.
    """

    name: str
    index: int
    seeds: tuple[int, ...]
    classes: Mapping[str, RunsSummary]
    rare: RunsSummary | None
    firm: RunsSummary | None
    solid: RunsSummary | None
    by_seed: Mapping[int, Mapping[str, Mapping[str, float]]]
    num_images: Mapping[str, Mapping[str, tuple[int, int]]]
    pixels: Mapping[str, PixelRates]
    regions: Mapping[str, RegionSummary]


@dataclass(frozen=True)
class ClassSupport:
    """What a split holds of one class: pixels, images and groups."""

    pixels: int
    images: int
    groups: int


@dataclass(frozen=True)
class SplitResults:
    """All strategies on one split.

    Args:
        split: ``val`` or ``test``.
        num_images: Images that were judged.
        num_groups: Groups that they come from.
        support: What the split holds of each class.
        counted: Rare classes behind the mean: those that the split holds.
        absent: Rare classes that the split does not hold.
        lonely: Counted classes that only one group holds.
        strategies: In the study's order; the first is what others are compared with.
        differences: Mean over ``counted`` against the first's, by strategy and rate (iou, tpr, precision).
        firm: Counted classes that two groups or more hold.
        firm_differences: The same in the mean over ``firm``; empty where that changes nothing.
        solid: Counted classes that `FEW_GROUPS` groups or more hold.
        solid_differences: The same in the mean over ``solid``; empty where that changes nothing more.
    """

    split: str
    num_images: int
    num_groups: int
    support: Mapping[str, ClassSupport]
    counted: tuple[str, ...]
    absent: tuple[str, ...]
    lonely: tuple[str, ...]
    strategies: tuple[StrategyResults, ...]
    differences: Mapping[str, Mapping[str, PairedDifference]]
    firm: tuple[str, ...]
    firm_differences: Mapping[str, Mapping[str, PairedDifference]]
    solid: tuple[str, ...]
    solid_differences: Mapping[str, Mapping[str, PairedDifference]]

    @property
    def thin(self) -> tuple[str, ...]:
        """Counted classes in fewer groups than `FEW_GROUPS`."""
        return tuple(name for name in self.counted if name not in self.solid)

    @property
    def ranked(self) -> tuple[StrategyResults, ...]:
        """Strategies with a defined mean IoU of the rare classes, best first."""
        known = [s for s in self.strategies if s.rare is not None and s.rare.pooled["iou"].num_runs]
        return tuple(sorted(known, key=lambda s: -s.rare.pooled["iou"].mean if s.rare else 0.0))

    def seed_winners(self) -> dict[int, str]:
        """Best strategy by mean IoU of the rare classes for each seed that all strategies finished."""
        shared = set.intersection(*(set(s.seeds) for s in self.strategies))
        winners = {}
        for seed in sorted(shared):
            scores = {
                s.name: s.by_seed[seed][RARE]["iou"] for s in self.strategies if RARE in s.by_seed[seed]
            }
            defined = {name: score for name, score in scores.items() if score == score}
            if defined:
                winners[seed] = max(defined, key=lambda name: defined[name])
        return winners


def split_results(
    study: StudyRuns, *, split: str, interval: float = 0.95, num_resamples: int = 1000
) -> SplitResults:
    """Summarise the last step of every finished run on one split.

    Args:
        study: The runs.
        split: ``val`` or ``test``.
        interval: Share of the bootstrap resamples inside an interval.
        num_resamples: Number of resamples.
    """
    tables = {name: [judged_table(run, split) for run in study.finished(name)] for name in study.strategies}
    baseline = study.strategies[0]
    facts = summarise(tables[baseline][0], num_resamples=1)
    support = {
        fact.class_name: ClassSupport(fact.support, fact.num_images_with_class, fact.num_groups_with_class)
        for fact in facts
    }
    counted = tuple(name for name in study.rare_classes if support[name].pixels)
    lonely = tuple(name for name in counted if support[name].groups == 1)
    firm = tuple(name for name in counted if support[name].groups > 1)
    solid = tuple(name for name in counted if support[name].groups >= FEW_GROUPS)
    means = {
        "firm": firm if firm != counted else (),
        "solid": solid if solid not in (counted, firm) else (),
    }
    strategies = tuple(
        _strategy_results(
            study,
            name,
            tables[name],
            counted,
            means,
            split=split,
            interval=interval,
            num_resamples=num_resamples,
        )
        for name in study.strategies
    )
    compared = functools.partial(_differences, study, tables, interval=interval, num_resamples=num_resamples)
    return SplitResults(
        split=split,
        num_images=facts[0].num_images,
        num_groups=facts[0].num_groups,
        support=support,
        counted=counted,
        absent=tuple(name for name in study.rare_classes if not support[name].pixels),
        lonely=lonely,
        strategies=strategies,
        differences=compared(counted),
        firm=firm,
        firm_differences=compared(means["firm"]),
        solid=solid,
        solid_differences=compared(means["solid"]),
    )


def _differences(
    study: StudyRuns,
    tables: Mapping[str, Sequence[CountsTable]],
    class_names: Sequence[str],
    *,
    interval: float,
    num_resamples: int,
) -> dict[str, dict[str, PairedDifference]]:
    """Every strategy against the first in the mean over some classes."""
    baseline, *others = study.strategies
    if not class_names:
        return {}
    found = compare_all(
        {name: seed_tables(study, name, own) for name, own in tables.items()},
        pairs=[(name, baseline) for name in others],
        choices=[tuple(class_names)],
        rates=("iou", "tpr", "precision"),
        interval=interval,
        num_resamples=num_resamples,
    )
    return {name: mean for (name, _), (mean,) in found.items()}


def judged_table(run: Run, split: str) -> CountsTable:
    """Counts of a run's last step on one split."""
    return run.counts.select(step=run.counts.last_step(), split=split)


def seed_tables(study: StudyRuns, strategy: str, tables: Sequence[CountsTable]) -> dict[int, CountsTable]:
    """Tables of a strategy's finished runs by seed."""
    return {run.seed: table for run, table in zip(study.finished(strategy), tables, strict=True)}


def _strategy_results(
    study: StudyRuns,
    name: str,
    tables: Sequence[CountsTable],
    counted: tuple[str, ...],
    means: Mapping[str, tuple[str, ...]],
    *,
    split: str,
    interval: float,
    num_resamples: int,
) -> StrategyResults:
    seeds = tuple(run.seed for run in study.finished(name))
    not_counted = [other for other in study.class_names if other not in counted]
    summarised = functools.partial(
        summarise_runs, tables, interval=interval, num_resamples=num_resamples, beta=BETA
    )
    classes, rare = _split_off_mean(summarised(leave_out=not_counted), study.class_names)
    further: dict[str, RunsSummary | None] = {}
    for key, names in means.items():
        rest = [other for other in study.class_names if other not in names]
        further[key] = _split_off_mean(summarised(leave_out=rest), study.class_names)[1] if names else None
    by_seed, numbers = {}, []
    for seed, table in zip(seeds, tables, strict=True):
        alone = summarise_runs([table], leave_out=not_counted, num_resamples=1, beta=BETA)
        own, mean = _split_off_mean(alone, study.class_names)
        rates_of = {key: {r: e.mean for r, e in summary.pooled.items()} for key, summary in own.items()}
        by_seed[seed] = {**rates_of, **({RARE: {r: e.mean for r, e in mean.pooled.items()}} if mean else {})}
        numbers.append(summarise(table, num_resamples=1, beta=BETA))
    num_images = {
        facts[0].class_name: {
            rate: (
                min(fact.mean_over_images[rate].num_images for fact in facts),
                max(fact.mean_over_images[rate].num_images for fact in facts),
            )
            for rate in SHOWN_RATES
        }
        for facts in zip(*numbers, strict=True)
    }
    return StrategyResults(
        name=name,
        index=study.strategies.index(name),
        seeds=seeds,
        classes=classes,
        rare=rare,
        firm=further["firm"],
        solid=further["solid"],
        by_seed=by_seed,
        num_images=num_images,
        pixels={
            facts[0].class_name: PixelRates.of(
                np.mean([(fact.tp, fact.fp, fact.fn, fact.tn) for fact in facts], axis=0),
                classes[facts[0].class_name].pooled,
            )
            for facts in zip(*numbers, strict=True)
        },
        regions=_regions(study.finished(name), split, interval=interval, num_resamples=num_resamples),
    )


def _regions(
    runs: Sequence[Run], split: str, *, interval: float, num_resamples: int
) -> dict[str, RegionSummary]:
    """Regions of all seeds together: an image counts once for each seed, and groups are what is resampled."""
    tables = [run.regions.select(step=run.regions.last_step(), split=split) for run in runs if run.regions]
    if not tables:
        return {}
    joined = RegionTable.concat(tables)
    columns = {name: joined[name] for name in RegionTable.column_names()}
    at_the_end = RegionTable.from_columns({**columns, "step": np.zeros(len(joined), np.int64)})
    found = summarise_regions(at_the_end, interval=interval, num_resamples=num_resamples)
    return {summary.class_name: summary for summary in found}


def _split_off_mean(
    summaries: Sequence[RunsSummary], class_names: Sequence[str]
) -> tuple[dict[str, RunsSummary], RunsSummary | None]:
    """The summaries by class, and the mean over classes that follows them where any class is left in it."""
    by_class = {summary.class_names[0]: summary for summary in summaries[: len(class_names)]}
    rest = summaries[len(class_names) :]
    return by_class, rest[0] if rest else None
