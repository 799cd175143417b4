"""Spread of each strategy over its seeds and over its later checkpoints (Table 4.1 of the foil thesis)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from rareseg.metrics.late_checkpoints import first_late_step
from rareseg.metrics.stability import Mark, Stability, stability_over_runs, stability_over_steps
from rareseg.report.load_runs import StudyRuns
from rareseg.report.results import RARE, judged_table

__all__ = ["STABILITY_RATES", "StabilityRow", "rows_over_runs", "rows_over_steps"]

STABILITY_RATES: Final = ("tpr", "fpr", "precision", "iou", "dice", "accuracy")
"""Rates that are told; the mark rests on the first three."""
_WORST_FIRST: Final[tuple[Mark, ...]] = ("fails", "undefined", "passes but for the first", "passes")


@dataclass(frozen=True)
class StabilityRow:
    """One strategy in one class or in the mean over the rare ones.

    Args:
        name: The strategy.
        sd: Deviation by rate; over checkpoints the mean over seeds.
        num_evaluations: Runs or checkpoints behind it; of the seed with the fewest.
        mark: That of the seed which fares worst.
        marks: How many seeds have each mark; over runs there is one.
    """

    name: str
    sd: Mapping[str, float]
    num_evaluations: int
    mark: Mark
    marks: Mapping[Mark, int]


def rows_over_runs(
    study: StudyRuns, *, split: str, counted: Sequence[str]
) -> dict[str, tuple[StabilityRow, ...]]:
    """PSoMT by class, and `RARE` first; strategies with a single run are not in it.

    Args:
        study: The runs.
        split: Split that judges.
        counted: Rare classes that it holds.
    """
    found = {}
    for name in study.strategies:
        tables = [judged_table(run, split) for run in study.finished(name)]
        if len(tables) > 1:
            found[name] = [stability_over_runs(tables, leave_out=_others(study, counted))]
    return _rows(found, counted)


def rows_over_steps(
    study: StudyRuns, *, split: str, counted: Sequence[str]
) -> dict[str, tuple[StabilityRow, ...]]:
    """PSoI by class, and `RARE` first, from the checkpoints of the last 30 % of the steps; a strategy of which
    no run kept at least two evaluations there is not in it."""
    found: dict[str, list[list[Stability]]] = {}
    for name in study.strategies:
        for run in study.finished(name):
            table = run.counts.select(split=split)
            first = first_late_step(table.last_step())
            if sum(step >= first for step in table.steps) > 1:
                spread = stability_over_steps(table, first_step=first, leave_out=_others(study, counted))
                found.setdefault(name, []).append(spread)
    return _rows(found, counted)


def _others(study: StudyRuns, counted: Sequence[str]) -> list[str]:
    return [name for name in study.class_names if name not in counted]


def _rows(
    found: Mapping[str, Sequence[Sequence[Stability]]], counted: Sequence[str]
) -> dict[str, tuple[StabilityRow, ...]]:
    """``found`` holds for each strategy and seed the spreads of each class and last of the mean."""
    if not found or not counted:
        return {}
    blocks = {RARE: tuple(_row(name, [seed[-1] for seed in seeds]) for name, seeds in found.items())}
    for class_name in counted:
        blocks[class_name] = tuple(
            _row(name, [s for seed in seeds for s in seed[:-1] if s.class_names == (class_name,)])
            for name, seeds in found.items()
        )
    return blocks


def _row(name: str, spreads: Sequence[Stability]) -> StabilityRow:
    marks = Counter(spread.mark for spread in spreads)
    return StabilityRow(
        name=name,
        sd={rate: float(np.mean([spread.sd[rate] for spread in spreads])) for rate in STABILITY_RATES},
        num_evaluations=min(spread.num_evaluations for spread in spreads),
        mark=next(mark for mark in _WORST_FIRST if mark in marks),
        marks=marks,
    )
