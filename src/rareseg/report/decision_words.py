"""Tuned decisions in words: cells, thresholds and what stands behind them."""

from __future__ import annotations

from collections.abc import Sequence

from rareseg.metrics.figure_spread import FigureSpread
from rareseg.report.decision_results import DecisionFigure
from rareseg.report.numerals import digits, level, percent, rate, signed
from rareseg.study.tune_run import TunedRun

__all__ = ["change_cell", "rule_cells", "rule_notes", "spread_cell", "verdict"]


def spread_cell(figure: DecisionFigure, found: FigureSpread) -> str:
    """Mean and interval of one side, as far as they are defined."""
    write = rate if figure.is_rate else digits
    if found.mean != found.mean:
        return "\N{EN DASH}"
    if found.low != found.low:
        return str(write(found.mean))
    return f"{write(found.mean)} ({write(found.low)} to {write(found.high)})"


def change_cell(figure: DecisionFigure) -> str:
    """The difference and its interval."""
    found = figure.difference
    if found.mean != found.mean:
        return "\N{EN DASH}"
    if found.low != found.low:
        return _signed(figure, found.mean)
    return f"{_signed(figure, found.mean)} ({_signed(figure, found.low)} to {_signed(figure, found.high)})"


def verdict(figure: DecisionFigure, *, interval: float) -> str:
    """Whether the tuned decisions are better by a figure, said no more surely than the interval allows."""
    found = figure.difference
    what = f"{figure.title}: {change_cell(figure)} by tuning"
    if found.mean != found.mean or found.low != found.low:
        return f"{what}, no interval, so nothing can be told."
    better = found.high < 0 if figure.lower_is_better else found.low > 0
    worse = found.low > 0 if figure.lower_is_better else found.high < 0
    if better:
        return f"{what}: better, the {level(interval)} interval leaves out 0."
    if worse:
        return f"{what}: worse, the {level(interval)} interval leaves out 0."
    return (
        f"{what}: the {level(interval)} interval holds 0, better with a chance of {percent(figure.chance)}."
    )


def rule_cells(runs: Sequence[TunedRun], name: str) -> tuple[str, str]:
    """Threshold and smallest region of one class, seed by seed."""
    thresholds, sizes = [], []
    for run in runs:
        share = run.chosen.decision.get("thresholds", {}).get(name)
        thresholds.append("argmax" if share is None else percent(share))
        sizes.append(str(run.chosen.decision.get("smallest_region", {}).get(name, "any")))
    return ", ".join(thresholds), ", ".join(sizes)


def rule_notes(runs: Sequence[TunedRun]) -> list[str]:
    """What the reader of thresholds has to know: classes that were left alone, and those of a single group."""
    chosen = runs[0].chosen
    notes = []
    if chosen.kept:
        notes.append(f"Validation holds no {' and no '.join(chosen.kept)}: argmax's rule was kept there.")
    thin = [name for name, (number, groups) in chosen.groups.items() if number and groups == 1]
    if thin:
        notes.append(
            f"The validation regions of {', '.join(thin)} are all of one group: what was chosen for them may suit that "
            "group alone."
        )
    return notes


def _signed(figure: DecisionFigure, value: float) -> str:
    if figure.is_rate:
        return str(signed(value))
    return f"{'+' if value > 0 else ''}{digits(value)}"
