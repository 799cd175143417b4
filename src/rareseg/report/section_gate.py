"""The section 'Image gate': which images each gate let through, and which it should have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rareseg.report.load_runs import Run, StudyRuns
from rareseg.report.page import Section, render_fragment

__all__ = ["gate_section"]


@dataclass(frozen=True)
class GateRow:
    """One run on one split: images with and without a defect, by what the gate did."""

    strategy: str
    seed: int
    split: str
    threshold: float
    reason: str
    passed: int
    missed: int
    false_alarms: int
    skipped: int


def gate_section(study: StudyRuns) -> Section | None:
    """Show the confusion matrix of every image gate, or nothing where no strategy has one."""
    rows = [row for run in study.runs if run.finished for row in _rows(run, study.splits)]
    if not rows:
        return None
    body = render_fragment("report_gate.html.j2", rows=rows)
    return Section("gate", "Image gate", body)


def _rows(run: Run, splits: tuple[str, ...]) -> list[GateRow]:
    gate = run.json("gate")
    if gate is None:
        return []
    return [
        GateRow(
            run.strategy,
            run.seed,
            split,
            gate["threshold"],
            gate["reason"],
            passed=_count(gate, split, holds=True, is_open=True),
            missed=_count(gate, split, holds=True, is_open=False),
            false_alarms=_count(gate, split, holds=False, is_open=True),
            skipped=_count(gate, split, holds=False, is_open=False),
        )
        for split in splits
    ]


def _count(gate: Mapping[str, Any], split: str, *, holds: bool, is_open: bool) -> int:
    return sum(
        row["split"] == split and row["holds"] is holds and row["open"] is is_open for row in gate["images"]
    )
