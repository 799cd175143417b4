"""Spread of each strategy over its seeds and over its later checkpoints (Table 4.1 of the foil thesis)."""

from __future__ import annotations

from dataclasses import dataclass

from rareseg.metrics.stability import Stability, stability_over_runs, stability_over_steps
from rareseg.report.load_runs import StudyRuns
from rareseg.report.results import SplitResults, judged_table

__all__ = ["StabilityRow", "stability_rows"]

FIRST_SHARE = 0.7
"""Checkpoints count from this share of the steps on, as in the thesis (7000 of 10 000)."""


@dataclass(frozen=True)
class StabilityRow:
    """One strategy.

    Args:
        name: The strategy.
        runs: Spread over its seeds (PSoMT); None with a single seed.
        steps: Spread over the later checkpoints of each seed (PSoI); empty where none were kept.
    """

    name: str
    runs: Stability | None
    steps: tuple[Stability, ...]


def stability_rows(study: StudyRuns, results: SplitResults) -> tuple[StabilityRow, ...]:
    """Spread of the means over the rare classes that the split holds; empty where nothing can be said."""
    if not results.counted:
        return ()
    leave_out = [name for name in study.class_names if name not in results.counted]
    rows = []
    for strategy in results.strategies:
        finished = study.finished(strategy.name)
        steps = []
        for run in finished:
            table = run.counts.select(split=results.split)
            first = round(FIRST_SHARE * table.last_step())
            if sum(step >= first for step in table.steps) > 1:
                steps.append(stability_over_steps(table, first_step=first, leave_out=leave_out))
        tables = [judged_table(run, results.split) for run in finished]
        runs = stability_over_runs(tables, leave_out=leave_out) if len(tables) > 1 else None
        rows.append(StabilityRow(strategy.name, runs, tuple(steps)))
    return tuple(rows) if any(row.runs or row.steps for row in rows) else ()
