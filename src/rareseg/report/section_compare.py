"""The section 'Comparison': every two strategies against each other on the same images and seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rareseg.report.chance_chart import chance_chart
from rareseg.report.comparison import Pair, all_pairs, mean_classes, pair_sentence
from rareseg.report.load_runs import StudyRuns
from rareseg.report.numerals import level
from rareseg.report.page import Section, render_fragment
from rareseg.report.palette import strategy_style
from rareseg.report.results import SplitResults

__all__ = ["compare_section"]

TABS = {"test": "Test", "val": "Validation"}


def compare_section(study: StudyRuns, results: Sequence[SplitResults], *, interval: float) -> Section | None:
    """Tell who beats whom and how surely; None with a single strategy or without rare classes."""
    if not any(len(found.ranked) > 1 for found in results):
        return None
    body = render_fragment(
        "report_compare.html.j2",
        tabs=[(found.split, TABS[found.split]) for found in results],
        splits=[_split(study, found, interval=interval) for found in results],
        interval=level(interval),
        colors=study.class_colors,
    )
    return Section(
        "compare",
        "Comparison",
        body,
        lead="Strategies side by side on the same images, with the same seeds.",
    )


def _split(study: StudyRuns, found: SplitResults, *, interval: float) -> dict[str, Any]:
    pairs = all_pairs(study, found, interval=interval)
    names = [strategy.name for strategy in found.ranked]
    by_names = {(pair.a, pair.b): pair for pair in pairs}
    chances = np.full((len(names), len(names)), np.nan)
    for (a, b), pair in by_names.items():
        chances[names.index(a), names.index(b)] = pair.mean.probability_better
        chances[names.index(b), names.index(a)] = 1 - pair.mean.probability_better
    classes = mean_classes(found)
    what = f"mean IoU of {', '.join(classes)}" if len(classes) > 1 else f"IoU of {', '.join(classes)}"
    baseline = found.strategies[0].name
    top = [pair for pair in pairs if pair.a == names[0] and pair.b in (baseline, names[1])]
    roles = {baseline: "(the reference)"} if baseline != "baseline" else {}
    if len(names) > 2:
        roles |= {names[1]: "(the runner-up)"} if names[1] != baseline else {}
    return {
        "split": found.split,
        "title": TABS[found.split],
        "chart": chance_chart(names, chances, what=what) if not np.isnan(chances).all() else None,
        "names": names,
        "chances": chances.tolist(),
        "what": what,
        "lonely": found.lonely if found.firm else (),
        "baseline": baseline,
        "sentences": [pair_sentence(pair, interval=interval, roles=roles) for pair in top],
        "num_pairs": len(pairs),
        "num_seeds": min((min(pair.mean.num_runs) for pair in pairs), default=0),
        "differences": [
            (caption, _difference_rows(found, differences))
            for caption, differences in (
                (f"in the mean of {', '.join(found.counted)}", found.differences),
                (f"in the mean of {', '.join(found.firm)} (two groups or more)", found.firm_differences),
            )
            if differences
        ],
        "classes": found.counted if len(found.counted) > 1 else (),
        "by_class": _class_rows(found, by_names, baseline),
    }


def _difference_rows(found: SplitResults, differences: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": strategy.name, "style": strategy_style(strategy.index), "rates": differences[strategy.name]}
        for strategy in found.strategies
        if strategy.name in differences
    ]


def _class_rows(
    found: SplitResults, by_names: Mapping[tuple[str, str], Pair], baseline: str
) -> list[dict[str, Any]]:
    """IoU of each strategy minus that of the reference, class by class."""
    rows = []
    for strategy in found.strategies:
        forth, back = by_names.get((strategy.name, baseline)), by_names.get((baseline, strategy.name))
        if forth:
            classes = dict(forth.classes)
        elif back:
            classes = {name: one.mirrored() for name, one in back.classes.items()}
        else:
            continue
        rows.append({"name": strategy.name, "style": strategy_style(strategy.index), "differences": classes})
    return rows
