"""The result of a study as a small table for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rareseg.metrics.runs_summary import RunsEstimate
from rareseg.report.comparison import pair_sentence, top_pairs
from rareseg.report.load_runs import StudyRuns
from rareseg.report.numerals import level, rate
from rareseg.report.results import SplitResults, split_results

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["text_summary"]

COLUMNS = {"iou": "IoU", "dice": "Dice", "tpr": "TPR", "precision": "precision"}
SPLIT_WORDS = {"test": "test", "val": "validation"}


def text_summary(study: StudyRuns, results: SplitResults | None = None, *, interval: float = 0.95) -> Table:
    """Strategies against mean IoU, Dice, TPR and precision of the rare classes, best first, with intervals.

    Under the table stands how surely the winner beats the reference and the runner-up.

    Args:
        study: The runs, as `load_runs` gives them.
        results: Figures that were computed already; by default those of the judging split.
        interval: Share of the bootstrap resamples inside an interval.

    Returns:
        A rich table, ready for ``Console().print``.
    """
    from rich.table import Table

    found = results or split_results(study, split=study.splits[0], interval=interval)
    # A mean over a class that one group alone holds has no interval: such classes are left out where others remain.
    firm = bool(found.lonely and found.firm)
    classes = ", ".join(found.firm if firm else found.counted) or "none in this split"
    left_out = f" (left out, as one group alone holds them: {', '.join(found.lonely)})" if firm else ""
    table = Table(
        title=f"Rare classes on the {SPLIT_WORDS[found.split]} images: pooled, mean over seeds",
        caption="\n".join(
            [
                f"Mean of {classes}{left_out}; under each the {level(interval)} interval over groups and seeds.",
                *_left_out(study, found),
                *(
                    pair_sentence(pair, interval=interval)
                    for pair in top_pairs(study, found, interval=interval)
                ),
            ]
        ),
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("strategy", no_wrap=True)
    table.add_column("seeds", justify="right")
    for heading in COLUMNS.values():
        table.add_column(heading, justify="right")
    unranked = [strategy for strategy in found.strategies if strategy not in found.ranked]
    for strategy in (*found.ranked, *unranked):
        mean = strategy.firm if firm else strategy.rare
        cells = [_cell(mean.pooled[key]) if mean else "-" for key in COLUMNS]
        table.add_row(strategy.name, str(len(strategy.seeds)), *cells)
    return table


def _left_out(study: StudyRuns, found: SplitResults) -> list[str]:
    """How many images scoring leaves out, where it does."""
    number = study.left_out.num(found.split)
    if not number:
        return []
    return [
        f"{number} of {number + found.num_images} images are left out of scoring, as study.yaml asks; the report "
        "gives the figures with them."
    ]


def _cell(estimate: RunsEstimate) -> str:
    if not estimate.num_runs:
        return "-"
    if estimate.low != estimate.low:
        return f"{rate(estimate.mean)}\nno interval"
    return f"{rate(estimate.mean)}\n{rate(estimate.low)} to {rate(estimate.high)}"
