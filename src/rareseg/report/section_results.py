"""The sections 'Results' and 'Charts': tables of every figure with its interval, and pictures of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rareseg.metrics.runs_summary import RunsSummary
from rareseg.report.curve_charts import curve_charts
from rareseg.report.load_runs import StudyRuns
from rareseg.report.numerals import level
from rareseg.report.page import Section, render_fragment
from rareseg.report.palette import strategy_style
from rareseg.report.pixel_rates import CLASSIC_RATES
from rareseg.report.results import BETA, SHOWN_RATES, SplitResults, StrategyResults
from rareseg.report.term_charts import term_charts
from rareseg.report.trade_off_charts import trade_off_charts
from rareseg.report.training_charts import training_charts
from rareseg.report.variation_charts import variation_charts

__all__ = ["charts_section", "results_section"]

TABS = {"test": "Test", "val": "Validation"}
HEADINGS = {
    "iou": "IoU",
    "dice": "Dice",
    "precision": "Precision",
    "tpr": "TPR (recall)",
    "fpr": "FPR",
    "f_beta": f"F{BETA:g}",
}


def results_section(study: StudyRuns, results: Sequence[SplitResults], *, interval: float) -> Section:
    """Per-class tables with intervals first, means second, for every judged split."""
    body = render_fragment(
        "report_results.html.j2",
        tabs=[(found.split, TABS[found.split]) for found in results],
        splits=[_tables(study, found) for found in results],
        rates=SHOWN_RATES,
        headings=HEADINGS,
        classic=CLASSIC_RATES,
        beta=BETA,
        interval=level(interval),
        num_seeds=max(len(strategy.seeds) for strategy in results[0].strategies),
    )
    return Section(
        "results",
        "Results",
        body,
        lead="Intervals first, means second; every figure names how it is averaged.",
    )


def charts_section(study: StudyRuns, results: Sequence[SplitResults]) -> Section:
    """Trade-offs, variation over classes, precision-recall curves and training curves."""
    first = results[0]
    body = render_fragment(
        "report_charts.html.j2",
        tabs=[(found.split, TABS[found.split]) for found in results],
        splits=[
            {
                "split": found.split,
                "title": TABS[found.split],
                "trade_off": trade_off_charts(found),
                "variation": variation_charts(study, found),
                "curves": curve_charts(study, found),
            }
            for found in results
        ],
        training=[*training_charts(study), *term_charts(study)],
        strategies=[{"name": s.name, "style": strategy_style(s.index)} for s in first.strategies],
        classes=[{"name": name, "color": study.class_colors[name]} for name in study.rare_classes],
    )
    return Section("charts", "Charts", body, lead="Point at a mark to read its exact values.")


def _tables(study: StudyRuns, found: SplitResults) -> dict[str, Any]:
    """One split's tables: blocks of rows, each block a class or a mean."""
    blocks = []
    if found.counted:
        title = f"Mean of {len(found.counted)} rare classes" if len(found.counted) > 1 else "The rare class"
        if len(found.counted) > 1:
            blocks.append(_mean_block(found, title, f"counts {', '.join(found.counted)}", "rare"))
    for which, names, number in (("firm", found.firm, "two"), ("solid", found.solid, "three")):
        if any(getattr(strategy, which) for strategy in found.strategies):
            nouns = "class" if len(names) == 1 else "classes"
            title = f"Mean of {len(names)} rare {nouns} in {number} groups or more"
            blocks.append(_mean_block(found, title, f"counts {', '.join(names)}", which))
    for name in (*study.rare_classes, study.majority):
        support = found.support[name]
        rows = [
            _row(strategy, strategy.classes[name], strategy.num_images[name])
            | {"region": strategy.regions.get(name), "pixels": strategy.pixels[name]}
            for strategy in found.strategies
        ]
        alone = {1: "one group only: no interval", 2: "two groups only: the interval says little"}
        blocks.append(
            {
                "title": name,
                "color": study.class_colors[name],
                "support": support,
                "note": alone.get(support.groups, ""),
                "mean": False,
                "rows": _with_best(rows),
            }
        )
    return {
        "split": found.split,
        "title": TABS[found.split],
        "num_images": found.num_images,
        "num_groups": found.num_groups,
        "blocks": blocks,
    }


def _mean_block(found: SplitResults, title: str, note: str, which: str) -> dict[str, Any]:
    rows = [
        _row(strategy, summary, None) | {"region": None}
        for strategy in found.strategies
        if (summary := getattr(strategy, which)) is not None
    ]
    return {
        "title": title,
        "color": None,
        "support": None,
        "note": note,
        "mean": True,
        "rows": _with_best(rows),
    }


def _row(strategy: StrategyResults, summary: RunsSummary, num_images: Any) -> dict[str, Any]:
    return {
        "name": strategy.name,
        "style": strategy_style(strategy.index),
        "num_seeds": len(strategy.seeds),
        "pooled": summary.pooled,
        "images": summary.mean_over_images,
        "num_images": num_images,
        "best": set(),
    }


def _with_best(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mark the best mean of each rate, among two strategies or more."""
    for averaging in ("pooled", "images"):
        for rate in SHOWN_RATES:
            sign = -1 if rate == "fpr" else 1
            known = [
                (sign * row[averaging][rate].mean, i)
                for i, row in enumerate(rows)
                if row[averaging][rate].num_runs
            ]
            if len(known) > 1:
                top = max(value for value, _ in known)
                for value, i in known:
                    if value == top:
                        rows[i]["best"].add((averaging, rate))
    return rows
