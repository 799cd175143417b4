"""Means as contests take them: with the background and without, pooled and image by image, before and after a gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rareseg.metrics.contest_dice import contest_dice
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.runs_summary import RunsEstimate, summarise_runs
from rareseg.report.load_runs import StudyRuns
from rareseg.report.results import SplitResults, judged_table

__all__ = ["ContestResults", "ContestRow", "contest_results"]


@dataclass(frozen=True)
class ContestRow:
    """One strategy, or its segmenter without the gate.

    Args:
        name: The strategy.
        index: Its position in the study.
        gate: ``with`` or ``without`` its gate; empty where it has none.
        iou_all: Mean IoU of all classes that the split holds, pooled.
        iou: The same without the background.
        dice: Mean Dice of the same classes, pooled.
        contest: Dice over pairs of image and class, see `contest_dice`.
    """

    name: str
    index: int
    gate: str
    iou_all: RunsEstimate
    iou: RunsEstimate
    dice: RunsEstimate
    contest: RunsEstimate


@dataclass(frozen=True)
class ContestResults:
    """All strategies on one split.

    Args:
        split: ``val`` or ``test``.
        background: The first class, which contests leave out or count.
        held: Classes behind the pooled means: those that the split holds, background included.
        scored: Classes of the contest's Dice: all but the background, whether the split holds them or not.
        silence: The contest's Dice of predicting nothing anywhere.
        rows: Strategies in the study's order, each followed by its segmenter without the gate where there is one.
    """

    split: str
    background: str
    held: tuple[str, ...]
    scored: tuple[str, ...]
    silence: float
    rows: tuple[ContestRow, ...]


def contest_results(
    study: StudyRuns, results: SplitResults, *, interval: float = 0.95, num_resamples: int = 1000
) -> ContestResults | None:
    """Judge every strategy as contests do; None where the split holds the background alone.

    Args:
        study: The runs.
        results: Their figures on a split.
        interval: Share of the bootstrap resamples inside an interval.
        num_resamples: Number of resamples.
    """
    background, *scored = study.class_names
    held = tuple(name for name in study.class_names if results.support[name].pixels)
    if not set(held) - {background}:
        return None

    def row(name: str, gate: str, tables: Sequence[CountsTable]) -> ContestRow:
        def mean(kept: set[str]) -> dict[str, RunsEstimate]:
            rest = [other for other in study.class_names if other not in kept]
            found = summarise_runs(tables, leave_out=rest, interval=interval, num_resamples=num_resamples)
            return dict(found[-1].pooled)

        alone = mean(set(held) - {background})
        return ContestRow(
            name=name,
            index=study.strategies.index(name),
            gate=gate,
            iou_all=mean(set(held))["iou"],
            iou=alone["iou"],
            dice=alone["dice"],
            contest=contest_dice(tables, class_names=scored, interval=interval, num_resamples=num_resamples),
        )

    rows = []
    for name in study.strategies:
        runs = study.finished(name)
        without = [
            table.select(step=table.last_step(), split=results.split)
            for run in runs
            if (table := run.ungated) is not None
        ]
        rows.append(row(name, "with" if without else "", [judged_table(run, results.split) for run in runs]))
        if without:
            rows.append(row(name, "without", without))
    silent = _silent(judged_table(study.finished(study.strategies[0])[0], results.split))
    silence = contest_dice([silent], class_names=scored, num_resamples=1).mean
    return ContestResults(results.split, background, held, tuple(scored), silence, tuple(rows))


def _silent(table: CountsTable) -> CountsTable:
    """The same images with nothing predicted."""
    columns = {name: table[name] for name in CountsTable.column_names()}
    columns["fn"], columns["tn"] = columns["fn"] + columns["tp"], columns["tn"] + columns["fp"]
    columns["tp"], columns["fp"] = columns["tp"] * 0, columns["fp"] * 0
    return CountsTable.from_columns(columns)
