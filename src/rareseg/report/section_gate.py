"""The section 'Image gate': which images each gate let through, and which it should have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rareseg.report.load_runs import Run, StudyRuns
from rareseg.report.page import Section, render_fragment

__all__ = ["GateRow", "gate_rows", "gate_section"]


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
    """Show the confusion matrix of every image gate, drawn with all seeds added up; nothing where there is none."""
    rows = gate_rows(study)
    if not rows:
        return None
    body = render_fragment("report_gate.html.j2", rows=rows, matrices=_matrices(rows))
    return Section("gate", "Image gate", body)


def gate_rows(study: StudyRuns) -> list[GateRow]:
    """What the gate of each finished run did on each split."""
    return [row for run in study.runs if run.finished for row in _rows(run, study.splits)]


@dataclass(frozen=True)
class GateMatrix:
    """One strategy on one split: images of all seeds together, and what became of them.

    Args:
        strategy: Its name.
        split: ``val`` or ``test``.
        num_seeds: Runs that were added up; each judged all images.
        lines: What the images really are, with the shares and numbers that pass and that are skipped.
    """

    strategy: str
    split: str
    num_seeds: int
    lines: tuple[GateLine, GateLine]


@dataclass(frozen=True)
class GateLine:
    """Images of one kind, and how many of them the gate lets pass and skips."""

    kind: str
    passes: int
    skipped: int
    right: str

    def share(self, number: int) -> float:
        """Share of the images of this kind; NaN where there are none."""
        total = self.passes + self.skipped
        return number / total if total else float("nan")


def _matrices(rows: Sequence[GateRow]) -> list[GateMatrix]:
    """The rows of all seeds of a strategy and split added up."""
    found: dict[tuple[str, str], list[GateRow]] = {}
    for row in rows:
        found.setdefault((row.strategy, row.split), []).append(row)
    return [
        GateMatrix(
            strategy,
            split,
            len(same),
            (
                GateLine(
                    "with a defect",
                    sum(row.passed for row in same),
                    sum(row.missed for row in same),
                    "passes",
                ),
                GateLine(
                    "blank",
                    sum(row.false_alarms for row in same),
                    sum(row.skipped for row in same),
                    "skipped",
                ),
            ),
        )
        for (strategy, split), same in found.items()
    ]


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
