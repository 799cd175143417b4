"""The section 'Stability': does a result hang on the seed, on the step where training stopped, on the images?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rareseg.errors import DataError
from rareseg.metrics.late_checkpoints import late_checkpoints
from rareseg.metrics.rank_stability import RankStability, rank_stability
from rareseg.metrics.stability import MARKED_RATES, STABLE_BELOW
from rareseg.report.comparison import mean_classes, split_tables
from rareseg.report.load_runs import StudyRuns
from rareseg.report.numerals import level
from rareseg.report.page import Section, render_fragment
from rareseg.report.palette import strategy_style
from rareseg.report.rank_chart import rank_chart
from rareseg.report.results import RARE, SplitResults
from rareseg.report.stability_rows import STABILITY_RATES, StabilityRow, rows_over_runs, rows_over_steps

__all__ = ["stability_section"]

TABS = {"test": "Test", "val": "Validation"}
WORDS = {
    "tpr": "TPR",
    "fpr": "FPR",
    "precision": "Precision",
    "iou": "IoU",
    "dice": "Dice",
    "accuracy": "Accuracy",
}
RANKED_RATES = ("iou", "dice", "precision", "tpr", "fpr")


def stability_section(
    study: StudyRuns, results: Sequence[SplitResults], *, interval: float
) -> Section | None:
    """PSoMT and PSoI with the mark of Table 4.1, and how firm the ranking is; None without rare classes."""
    judged = [found for found in results if found.counted]
    if not judged:
        return None
    # Checkpoints before the last are judged on validation only.
    late = next((found for found in judged if found.split == "val"), judged[0])
    over_steps = rows_over_steps(study, split=late.split, counted=late.counted)
    body = render_fragment(
        "report_stability.html.j2",
        tabs=[(found.split, TABS[found.split]) for found in judged],
        splits=[
            {
                "split": found.split,
                "title": TABS[found.split],
                "over_runs": _blocks(study, rows_over_runs(study, split=found.split, counted=found.counted)),
                "ranking": _ranking(study, found, interval=interval),
            }
            for found in judged
        ],
        over_steps=_blocks(study, over_steps),
        late_split=TABS[late.split].lower(),
        steps=_steps(study),
        missing=[name for name in study.strategies if name not in {r.name for r in over_steps.get(RARE, ())}],
        few_seeds=[name for name in study.strategies if len(study.finished(name)) < 2],
        several_seeds=max(len(study.finished(name)) for name in study.strategies) > 1,
        rates=STABILITY_RATES,
        marked=MARKED_RATES,
        words=WORDS,
        limit=STABLE_BELOW,
        colors=study.class_colors,
    )
    return Section(
        "stability",
        "Stability",
        body,
        lead="Whether the result hangs on the seed, on the step where training stopped, or on the images.",
    )


def _blocks(study: StudyRuns, rows: Mapping[str, Sequence[StabilityRow]]) -> list[dict[str, Any]]:
    """The mean first, then each class; a single class is not told twice."""
    shown = list(rows)[: 1 if len(rows) == 2 else None]
    return [
        {
            "title": list(rows)[-1] if len(rows) == 2 else key,
            "color": study.class_colors.get(key),
            "rows": [
                {"row": row, "style": strategy_style(study.strategies.index(row.name))} for row in rows[key]
            ],
        }
        for key in shown
    ]


def _ranking(study: StudyRuns, found: SplitResults, *, interval: float) -> dict[str, Any] | None:
    """Rankings by each rate, or None with a single strategy; ``problem`` where seeds do not match."""
    if len(found.strategies) < 2:
        return None
    classes = mean_classes(found)
    try:
        by_rate = rank_stability(
            split_tables(study, found.split), class_names=classes, rates=RANKED_RATES, interval=interval
        )
    except DataError as error:
        return {"problem": str(error)}
    iou = by_rate["iou"]
    what = f"mean IoU of {', '.join(classes)}" if len(classes) > 1 else f"IoU of {', '.join(classes)}"
    return {
        "problem": "",
        "what": what,
        "iou": iou,
        "left_out": _left_out(by_rate),
        "chart": rank_chart(study, iou, what=what, interval=level(interval))
        if len(iou.strategies) > 1
        else None,
        "rates": [{"name": WORDS[rate], "rank": rank, "said": _said(rank)} for rate, rank in by_rate.items()],
        "strategies": [
            {"name": name, "style": strategy_style(study.strategies.index(name)), "own": own}
            for name, own in iou.strategies.items()
        ],
    }


def _left_out(by_rate: Mapping[str, RankStability]) -> list[tuple[str, str, str]]:
    """Rates, the strategies that their rankings lack, and why; equal cases in one line."""
    found: dict[tuple[str, str], list[str]] = {}
    for rate, rank in by_rate.items():
        names: dict[str, list[str]] = {}
        for name, why in rank.left_out.items():
            names.setdefault(why, []).append(name)
        for why, lacking in names.items():
            found.setdefault((", ".join(lacking), why), []).append(WORDS[rate])
    return [(", ".join(rates), names, why) for (names, why), rates in found.items()]


def _said(rank: RankStability) -> str:
    """Winners in words: with which seeds each."""
    won: dict[str, list[str]] = {}
    for seed, names in rank.winners.items():
        won.setdefault(" and ".join(names), []).append(str(seed))
    if not won:
        return ""
    if len(won) == 1 and len(rank.seeds) > 1:
        return f"{next(iter(won))} with every seed"
    return "; ".join(f"{name} with seed {', '.join(seeds)}" for name, seeds in won.items())


def _steps(study: StudyRuns) -> list[int]:
    """Late checkpoints that a study of this budget would keep."""
    budgets = [run.config["budget"]["steps"] for run in study.runs if run.config.get("budget")]
    return late_checkpoints(max(budgets)) if budgets else []
