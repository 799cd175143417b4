"""Tuned decisions as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rareseg.config.aim import AimSettings
from rareseg.report.decision_results import DecisionResults
from rareseg.report.decision_words import change_cell, rule_cells, rule_notes, spread_cell
from rareseg.report.markdown_table import markdown_table
from rareseg.study.tune_run import TunedRun

__all__ = ["decision_markdown"]

_WORDS = {"test": "Test", "val": "Validation"}


def decision_markdown(
    tuned: Mapping[str, Sequence[TunedRun]],
    results: Mapping[str, Mapping[str, DecisionResults]],
    aim: AimSettings,
) -> str:
    """Figures before and after on every part, IoU of each class, and what was chosen.

    Args:
        tuned: The tuned runs of each strategy.
        results: Their figures by part.
        aim: What they were tuned for.
    """
    lines = [f"### Decisions tuned for {aim.title}"]
    for split in next(iter(results.values())):
        rows, classes = [], []
        for name, parts in results.items():
            found = parts[split]
            for figure in (*found.aim, *found.others):
                before, after = spread_cell(figure, figure.before), spread_cell(figure, figure.after)
                rows.append([name, figure.title, before, after, change_cell(figure)])
            for side in ("before", "after"):
                word = "own" if side == "before" else "tuned"
                cells = [spread_cell(one["iou"], getattr(one["iou"], side)) for one in found.classes.values()]
                classes.append([name, word, *cells])
        heads = list(next(iter(results.values()))[split].classes)
        lines += ["", f"#### {_WORDS[split]}", ""]
        lines += markdown_table(["strategy", "figure", "own decision", "tuned", "difference"], rows)
        lines += ["", *markdown_table(["strategy", "IoU, decision", *heads], classes)]
    lines += ["", "#### Chosen on validation, seed by seed", ""]
    rules = [
        [name, label, *rule_cells(runs, label), " in ".join(map(str, runs[0].chosen.groups[label]))]
        for name, runs in tuned.items()
        for label in runs[0].class_names[1:]
    ]
    lines += markdown_table(
        ["strategy", "class", "threshold", "smallest region (px)", "validation regions in groups"], rules
    )
    notes = list(dict.fromkeys(note for runs in tuned.values() for note in rule_notes(runs)))
    return "\n".join([*lines, "", *(f"- {note}" for note in notes)]) + "\n"
