"""The same runs by two sets of labels: which conclusions are about the models, and which about the labels."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from rareseg.metrics.compare import PairedDifference
from rareseg.metrics.compare_all import compare_all
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.rank_agreement import RankAgreement, rank_agreement
from rareseg.metrics.runs_summary import RunsSummary, summarise_runs
from rareseg.metrics.summary import summarise
from rareseg.report.load_runs import StudyRuns
from rareseg.report.results import SplitResults, judged_table, seed_tables

__all__ = ["LabelPair", "LabelResults", "LabelRow", "Verdict", "label_results"]

Verdict = Literal["both", "reversed", "own", "other", "neither"]
"""By which labels the interval of a difference excludes 0: by both alike, by both but turned round, by one, by none."""


@dataclass(frozen=True)
class LabelRow:
    """One strategy by both sets of labels: the mean over the classes that both hold."""

    name: str
    own: RunsSummary
    other: RunsSummary


@dataclass(frozen=True)
class LabelPair:
    """Two strategies in mean IoU; ``a`` is the better one by the dataset's own labels."""

    a: str
    b: str
    own: PairedDifference
    other: PairedDifference

    @property
    def verdict(self) -> Verdict:
        """What both sets of labels say together."""
        own, other = _sure(self.own), _sure(self.other)
        if own and other:
            return "both" if own == other else "reversed"
        return "own" if own else "other" if other else "neither"


@dataclass(frozen=True)
class LabelResults:
    """What one set of other labels says of a split.

    Args:
        labels: Its name.
        split: ``val`` or ``test``.
        classes: Rare classes of the means: those that both sets of labels hold, in two groups or more where
            there are such.
        left_out: Rare classes that one of the two holds and the means do not count.
        rows: Strategies, best by the own labels first.
        agreement: Both rankings and Kendall's tau; None with fewer than two strategies.
        pairs: Every two strategies.
        ceiling: The own labels judged by the other ones as though they were predictions: the mean over
            ``classes``; None where the study did not write it.
        by_class: The same for each of ``classes``.
    """

    labels: str
    split: str
    classes: tuple[str, ...]
    left_out: tuple[str, ...]
    rows: tuple[LabelRow, ...]
    agreement: RankAgreement | None
    pairs: tuple[LabelPair, ...]
    ceiling: RunsSummary | None
    by_class: Mapping[str, RunsSummary]

    @property
    def num_turned(self) -> int:
        """Pairs of strategies whose means are in another order by the other labels, surely or not."""
        means = [(row.own.pooled["iou"].mean, row.other.pooled["iou"].mean) for row in self.rows]
        return sum((a[0] - b[0]) * (a[1] - b[1]) < 0 for a, b in itertools.combinations(means, 2))

    def having(self, verdict: Verdict) -> tuple[LabelPair, ...]:
        """The pairs with one verdict."""
        return tuple(pair for pair in self.pairs if pair.verdict == verdict)


def label_results(
    study: StudyRuns, results: SplitResults, *, labels: str, interval: float = 0.95, num_resamples: int = 1000
) -> LabelResults | None:
    """Judge all strategies by the dataset's own labels and by other ones.

    Args:
        study: The runs, with tables by the own labels.
        results: Their figures on a split.
        labels: One of ``study.other_labels``.
        interval: Share of the bootstrap resamples inside an interval.
        num_resamples: Number of resamples.

    Returns:
        None where the two sets of labels share no rare class, or no strategy has a defined mean.
    """
    split, other = results.split, study.judged_by(labels)
    own_tables, other_tables = _tables(study, split), _tables(other, split)
    facts = summarise(next(iter(other_tables[study.strategies[0]].values())), num_resamples=1)
    held = {fact.class_name: fact.num_groups_with_class for fact in facts}
    groups = {name: min(held[name], results.support[name].groups) for name in study.rare_classes}
    either = [name for name in study.rare_classes if held[name] or results.support[name].groups]
    classes = tuple(name for name in study.rare_classes if groups[name] > 1) or tuple(
        name for name in study.rare_classes if groups[name]
    )
    if not classes:
        return None
    rest = [name for name in study.class_names if name not in classes]

    def mean(tables: Mapping[int, CountsTable]) -> RunsSummary:
        own = list(tables.values())
        return summarise_runs(own, leave_out=rest, interval=interval, num_resamples=num_resamples)[-1]

    rows = [LabelRow(name, mean(own_tables[name]), mean(other_tables[name])) for name in study.strategies]
    rows = [row for row in rows if row.own.pooled["iou"].num_runs and row.other.pooled["iou"].num_runs]
    if not rows:
        return None
    rows.sort(key=lambda row: -row.own.pooled["iou"].mean)
    names = [row.name for row in rows]
    judged = study.own_labels(labels, split=split)
    ceiling = (
        summarise_runs([judged], leave_out=rest, interval=interval, num_resamples=num_resamples)
        if judged is not None
        else []
    )
    agreement = None
    if len(names) > 1:
        agreement = rank_agreement(
            {name: list(own_tables[name].values()) for name in names},
            {name: list(other_tables[name].values()) for name in names},
            class_names=classes,
            interval=interval,
            num_resamples=num_resamples,
        )
    sides = [
        compare_all(
            tables,
            pairs=itertools.combinations(names, 2),
            choices=[classes],
            interval=interval,
            num_resamples=num_resamples,
        )
        for tables in (own_tables, other_tables)
    ]
    return LabelResults(
        labels=labels,
        split=split,
        classes=classes,
        left_out=tuple(name for name in either if name not in classes),
        rows=tuple(rows),
        agreement=agreement,
        pairs=tuple(
            LabelPair(a, b, own[0]["iou"], sides[1][a, b][0]["iou"]) for (a, b), own in sides[0].items()
        ),
        ceiling=ceiling[-1] if ceiling else None,
        by_class={
            summary.class_names[0]: summary for summary in ceiling[:-1] if summary.class_names[0] in classes
        },
    )


def _tables(study: StudyRuns, split: str) -> dict[str, dict[int, CountsTable]]:
    """The last counts of every strategy on one split, by seed."""
    return {
        name: seed_tables(study, name, [judged_table(run, split) for run in study.finished(name)])
        for name in study.strategies
    }


def _sure(difference: PairedDifference) -> int:
    """Sign of a difference whose interval excludes 0; 0 where it includes it or there is none."""
    return 1 if difference.low > 0 else -1 if difference.high < 0 else 0
