"""The section 'Judged by other labels': do the study's conclusions hold by them too?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rareseg.report.label_chart import label_chart
from rareseg.report.label_results import LabelResults, label_results
from rareseg.report.label_words import ceiling_sentence, label_sentences, pair_sentences
from rareseg.report.load_runs import StudyRuns
from rareseg.report.numerals import level
from rareseg.report.page import Section, render_fragment
from rareseg.report.palette import strategy_style
from rareseg.report.results import SplitResults

__all__ = ["labels_section"]

TABS = {"test": "Test", "val": "Validation"}


def labels_section(study: StudyRuns, results: Sequence[SplitResults], *, interval: float) -> Section | None:
    """Show every strategy by the own labels and by each other set; None where the dataset has no other labels."""
    splits = []
    for found in results:
        sets = [
            _one_set(study, one, interval=interval)
            for labels in study.other_labels
            if (one := label_results(study, found, labels=labels, interval=interval)) is not None
        ]
        if sets:
            splits.append({"split": found.split, "title": TABS[found.split], "sets": sets})
    if not splits:
        return None
    body = render_fragment(
        "report_labels.html.j2",
        tabs=[(one["split"], one["title"]) for one in splits],
        splits=splits,
        interval=level(interval),
        colors=study.class_colors,
    )
    return Section(
        "labels",
        "Judged by other labels",
        body,
        lead="A conclusion that holds by one set of labels only is about the labels, not about the models.",
    )


def _one_set(study: StudyRuns, found: LabelResults, *, interval: float) -> dict[str, Any]:
    agreement = found.agreement
    return {
        "labels": found.labels,
        "classes": found.classes,
        "left_out": found.left_out,
        "sentences": label_sentences(found, interval=interval),
        "ceiling_sentence": ceiling_sentence(found, interval=interval),
        "pairs": pair_sentences(found),
        "chart": label_chart(study, found) if len(found.rows) > 1 else None,
        "ceiling": found.ceiling,
        "by_class": found.by_class,
        "rows": [
            {
                "name": row.name,
                "style": strategy_style(study.strategies.index(row.name)),
                "own": row.own.pooled,
                "other": row.other.pooled,
                "own_rank": agreement.first[row.name] if agreement else 1,
                "other_rank": agreement.second[row.name] if agreement else 1,
            }
            for row in found.rows
        ],
    }
