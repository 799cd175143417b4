"""Markdown tables of the counts behind the rates, of thresholds, and of the means that contests use."""

from __future__ import annotations

from collections.abc import Sequence

from rareseg.report.contest_results import ContestResults
from rareseg.report.load_runs import StudyRuns
from rareseg.report.markdown_table import estimate_cell, markdown_table
from rareseg.report.numerals import percent
from rareseg.report.pixel_rates import CLASSIC_RATES, PixelRates
from rareseg.report.results import SplitResults
from rareseg.report.section_contests import contest_sentences
from rareseg.report.section_gate import gate_rows
from rareseg.report.section_thresholds import threshold_note
from rareseg.report.threshold_results import ThresholdRow

__all__ = ["classic_table", "contest_table", "gate_table", "threshold_table"]

_CLASSIC = ("TP", "FP", "FN", "TN", *CLASSIC_RATES.values())


def classic_table(study: StudyRuns, found: SplitResults) -> list[str]:
    """TP, FP, FN, TN and the rates made of them, for every class, each against the rest."""
    rows = [
        [name, strategy.name, *_cells(strategy.pixels[name])]
        for name in (*study.rare_classes, study.majority)
        for strategy in found.strategies
    ]
    return markdown_table(["class", "strategy", *_CLASSIC], rows)


def threshold_table(study: StudyRuns, rows: Sequence[ThresholdRow]) -> list[str]:
    """The same at several thresholds; no line where there are none."""
    if not rows:
        return []
    cells = [[row.class_name, row.name, str(percent(row.asked)), *_cells(row.rates)] for row in rows]
    heads = ["class", "strategy", "threshold", *_CLASSIC]
    return [f"At other thresholds. {threshold_note(study, rows)}", "", *markdown_table(heads, cells)]


def gate_table(study: StudyRuns, split: str) -> list[str]:
    """What every image gate did with the images of a split; no line where there is none."""
    rows = [
        [
            row.strategy,
            str(row.seed),
            f"{row.threshold:.3f}",
            *map(str, (row.passed, row.missed, row.false_alarms, row.skipped)),
        ]
        for row in gate_rows(study)
        if row.split == split
    ]
    if not rows:
        return []
    heads = ["gate of", "seed", "threshold"]
    heads += ["defective, let through", "defective, stopped", "clean, let through", "clean, stopped"]
    return ["Images by what the gate did, seed by seed:", "", *markdown_table(heads, rows)]


def contest_table(found: ContestResults | None) -> list[str]:
    """Means with the background and without, and the Dice of contests; no line where there is nothing to score."""
    if found is None:
        return []
    heads = [
        "strategy",
        f"mean IoU of all {len(found.held)} classes",
        f"mean IoU without {found.background}",
        "Dice, pooled",
        "contest Dice (empty and empty is 1)",
    ]
    rows = [
        [
            f"{row.name}, {row.gate} its gate" if row.gate else row.name,
            *(estimate_cell(value) for value in (row.iou_all, row.iou, row.dice, row.contest)),
        ]
        for row in found.rows
    ]
    return [f"As contests score. {' '.join(contest_sentences(found))}", "", *markdown_table(heads, rows)]


def _cells(pixels: PixelRates) -> list[str]:
    return [
        *(str(round(count)) for count in pixels.counts),
        *(estimate_cell(value) for value in pixels.rates.values()),
    ]
