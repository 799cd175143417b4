"""The page of `rareseg tune`: decisions before and after, and the whole trade-off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rareseg.artefacts import write_text
from rareseg.config.aim import AimSettings
from rareseg.report.decision_charts import class_trade_offs, shift_charts
from rareseg.report.decision_results import DecisionFigure, DecisionResults
from rareseg.report.decision_words import change_cell, rule_cells, rule_notes, spread_cell, verdict
from rareseg.report.load_runs import StudyRuns
from rareseg.report.numerals import digits, level
from rareseg.report.page import Section, render_fragment, render_page
from rareseg.study.tune_run import TunedRun

__all__ = ["write_decision_page"]

_TABS = {"test": "Test", "val": "Validation"}
_RATES = {"iou": "IoU", "tpr": "TPR", "precision": "precision"}


def write_decision_page(
    study: StudyRuns,
    tuned: Mapping[str, Sequence[TunedRun]],
    results: Mapping[str, Mapping[str, DecisionResults]],
    aim: AimSettings,
    out: Path,
    *,
    interval: float = 0.95,
) -> Path:
    """Write one self-contained page.

    Args:
        study: The runs.
        tuned: The tuned runs of each strategy.
        results: Their figures by part, ``test`` first.
        aim: What they were tuned for.
        out: The HTML file.
        interval: Share of the bootstrap resamples inside an interval.

    Returns:
        ``out``.
    """
    sections = [
        Section(
            f"strategy-{number}",
            name,
            _body(study, name, number, tuned[name], results[name], interval=interval),
            lead="Chosen on validation, judged on test."
            if "test" in results[name]
            else "Chosen on validation; no test.",
        )
        for number, name in enumerate(tuned)
    ]
    subtitle = f"Decisions tuned for {aim.title}, against the runs' own"
    name = str(study.study.get("name") or study.data["name"])
    write_text(out, render_page(name, sections, subtitle=subtitle, kind="Tuning"))
    return out


def _body(
    study: StudyRuns,
    name: str,
    number: int,
    runs: Sequence[TunedRun],
    results: Mapping[str, DecisionResults],
    *,
    interval: float,
) -> str:
    first = next(iter(results.values()))
    groups = runs[0].chosen.groups
    rules = []
    for label in runs[0].class_names[1:]:
        threshold, size = rule_cells(runs, label)
        regions, holders = groups[label]
        rules.append(
            {
                "name": label,
                "color": study.class_colors[label],
                "threshold": threshold,
                "size": size,
                "regions": regions,
                "groups": holders,
            }
        )
    temperatures = ", ".join(f"{run.chosen.decision['temperature']:g}" for run in runs)
    more = f"Temperature of the probabilities, seed by seed: {temperatures}; no label depends on it."
    gates = [run.chosen.gate for run in runs if run.chosen.gate is not None]
    if gates:
        more += f" Threshold of the image gate: {', '.join(str(digits(gate)) for gate in gates)}."
    return render_fragment(
        "tune_strategy.html.j2",
        strategy=name,
        index=number,
        sentences=[verdict(figure, interval=interval) for figure in (*first.aim, *first.others)],
        notes=rule_notes(runs),
        rules=rules,
        more=more,
        tabs=[(split, _TABS[split]) for split in results],
        splits=[_table(split, found) for split, found in results.items()],
        interval=level(interval),
        charts=shift_charts([run.trade_off for run in runs], results, title=first.aim[0].title),
        class_charts=class_trade_offs(study, name, results),
    )


def _table(split: str, found: DecisionResults) -> dict[str, Any]:
    rows = [_row(figure.title, figure) for figure in (*found.aim, *found.others)]
    for rate, word in _RATES.items():
        rows += [_row(f"{name}: {word}", by_rate[rate]) for name, by_rate in found.classes.items()]
    return {"split": split, "title": _TABS[split], "rows": rows}


def _row(title: str, figure: DecisionFigure) -> tuple[str, ...]:
    before, after = spread_cell(figure, figure.before), spread_cell(figure, figure.after)
    return title, before, after, change_cell(figure)
