"""Rates at several probability thresholds, from the stored score histograms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rareseg.config.study import ScoringSettings
from rareseg.metrics.bins import bin_edges, nearest_edge
from rareseg.metrics.counts_at_threshold import counts_at_threshold
from rareseg.metrics.runs_summary import summarise_runs
from rareseg.metrics.score_table import ScoreTable
from rareseg.report.load_runs import StudyRuns
from rareseg.report.pixel_rates import PixelRates
from rareseg.report.results import SplitResults
from rareseg.strategies.asks_by_class import asks_by_class

__all__ = ["ThresholdRow", "threshold_results"]


@dataclass(frozen=True)
class ThresholdRow:
    """One class of one strategy at one threshold.

    Args:
        name: The strategy.
        index: Its position in the study.
        class_name: The class.
        asked: The threshold that study.yaml names.
        used: The edge of a bin that it was moved to.
        rates: Counts and rates there.
    """

    name: str
    index: int
    class_name: str
    asked: float
    used: float
    rates: PixelRates


def threshold_results(
    study: StudyRuns, results: SplitResults, *, interval: float = 0.95, num_resamples: int = 1000
) -> tuple[ThresholdRow, ...]:
    """Scan the thresholds of ``scoring.thresholds`` over the rare classes that a split holds, class by class.

    Args:
        study: The runs.
        results: Their figures on the split.
        interval: Share of the bootstrap resamples inside an interval.
        num_resamples: Number of resamples.
    """
    scoring = study.study.get("scoring") or {}
    thresholds: Sequence[float] = scoring.get("thresholds", ScoringSettings().thresholds)
    rows = []
    for name in study.strategies:
        runs = study.finished(name)
        head = (runs[0].config.get("strategy") or {}).get("head") or {"name": "softmax"}
        if not thresholds or not asks_by_class(head, study.class_names):
            continue
        tables = [_scores(scores, results.split) for run in runs if (scores := run.read_scores())]
        for threshold in thresholds if tables else ():
            counts = [counts_at_threshold(table, threshold) for table in tables]
            found = summarise_runs(counts, interval=interval, num_resamples=num_resamples)
            by_class = {one.class_names[0]: one for one in found[: len(study.class_names)]}
            for label in results.counted:
                mean = np.mean([table.pooled()[label] for table in counts], axis=0)
                rows.append(
                    ThresholdRow(
                        name=name,
                        index=study.strategies.index(name),
                        class_name=label,
                        asked=threshold,
                        used=float(bin_edges()[nearest_edge(threshold)]),
                        rates=PixelRates.of(mean, by_class[label].pooled),
                    )
                )
    order = {label: number for number, label in enumerate(results.counted)}
    return tuple(sorted(rows, key=lambda row: order[row.class_name]))


def _scores(table: ScoreTable, split: str) -> ScoreTable:
    return table.select(step=table.last_step(), split=split)
