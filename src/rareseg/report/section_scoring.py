"""The section 'Left out of scoring': the figures without and with the images that study.yaml leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rareseg.report.load_runs import StudyRuns
from rareseg.report.numerals import level, rate
from rareseg.report.page import Section, render_fragment
from rareseg.report.palette import strategy_style
from rareseg.report.results import SplitResults

__all__ = ["scoring_section", "scoring_sentence"]

TABS = {"test": "Test", "val": "Validation"}
SPLIT_WORDS = {"test": "test images", "val": "validation images"}
RATES = ("iou", "dice", "precision", "tpr", "fpr")


def scoring_section(
    study: StudyRuns, results: Sequence[SplitResults], whole: Sequence[SplitResults], *, interval: float
) -> Section | None:
    """Show the means over the rare classes both ways; None where nothing is left out.

    Args:
        study: The runs, without the images that are left out.
        results: Their figures, by split.
        whole: The same with all images.
        interval: Share of the bootstrap resamples inside an interval.
    """
    if not whole:
        return None
    body = render_fragment(
        "report_scoring.html.j2",
        tabs=[(found.split, TABS[found.split]) for found in results],
        splits=[_split(study, a, b) for a, b in zip(results, whole, strict=True)],
        rates=RATES,
        headings={
            "iou": "IoU",
            "dice": "Dice",
            "precision": "Precision",
            "tpr": "TPR (recall)",
            "fpr": "FPR",
        },
        interval=level(interval),
    )
    return Section(
        "scoring",
        "Left out of scoring",
        body,
        lead="All other figures of this page leave these images out; their counts are kept.",
    )


def scoring_sentence(study: StudyRuns, results: SplitResults, whole: SplitResults) -> str:
    """What is left out of one split, and what the best strategy's mean is with it."""
    left_out, split = study.left_out, results.split
    blank = sum(own == split for own, _ in left_out.blank)
    named = left_out.num(split) - blank
    total, where = whole.num_images, SPLIT_WORDS[split]
    parts = [f"{blank} that hold the background alone"] if blank else []
    parts += [f"{named} that study.yaml names"] if named else []
    if not parts:
        return f"Scoring leaves out images, but none of the {total} {where}."
    told = (
        f"{left_out.num(split)} of {total} {where} are left out of scoring, as study.yaml asks: "
        f"{' and '.join(parts)}."
    )
    if not results.ranked:
        return told
    best = results.ranked[0]
    full = next(strategy for strategy in whole.strategies if strategy.name == best.name)
    if best.rare is None or full.rare is None:
        return told
    own, other = best.rare.pooled, full.rare.pooled
    return (
        f"{told} With all images '{best.name}' has a mean IoU of {rate(other['iou'].mean)} instead of "
        f"{rate(own['iou'].mean)}, and a mean precision of {rate(other['precision'].mean)} instead of "
        f"{rate(own['precision'].mean)}."
    )


def _split(study: StudyRuns, found: SplitResults, whole: SplitResults) -> dict[str, Any]:
    """Rows of one split, and what it leaves out."""
    by_name = {strategy.name: strategy for strategy in whole.strategies}
    named = sorted(image for split, image in study.left_out.named if split == found.split)
    return {
        "split": found.split,
        "title": TABS[found.split],
        "sentence": scoring_sentence(study, found, whole),
        "named": named,
        "scored": (found.num_images, found.num_groups, found.counted),
        "all": (whole.num_images, whole.num_groups, whole.counted),
        "rows": [
            {
                "name": strategy.name,
                "style": strategy_style(strategy.index),
                "scored": strategy.rare.pooled,
                "all": full.rare.pooled,
            }
            for strategy in found.strategies
            if strategy.rare is not None and (full := by_name[strategy.name]).rare is not None
        ],
    }
