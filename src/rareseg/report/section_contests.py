"""The section 'As contests score': means with the background and without, and the Dice of contests."""

from __future__ import annotations

from collections.abc import Sequence

from rareseg.report.contest_results import ContestResults
from rareseg.report.load_runs import StudyRuns
from rareseg.report.numerals import level, rate
from rareseg.report.page import Section, render_fragment
from rareseg.report.palette import strategy_style

__all__ = ["contest_sentences", "contests_section"]

TABS = {"test": "Test", "val": "Validation"}


def contests_section(
    study: StudyRuns, results: Sequence[ContestResults], *, interval: float
) -> Section | None:
    """Show the same runs by the means that contests use; None where no split holds a class to score."""
    if not results:
        return None
    body = render_fragment(
        "report_contests.html.j2",
        tabs=[(found.split, TABS[found.split]) for found in results],
        splits=[
            {
                "split": found.split,
                "title": TABS[found.split],
                "found": found,
                "sentences": contest_sentences(found),
                "rows": [{"row": row, "style": strategy_style(row.index)} for row in found.rows],
            }
            for found in results
        ],
        interval=level(interval),
        num_seeds=max(len(study.finished(name)) for name in study.strategies),
    )
    return Section(
        "contests",
        "As contests score",
        body,
        lead="The same counts by other rules, to compare with figures that others print.",
    )


def contest_sentences(found: ContestResults) -> list[str]:
    """What must be known to read the table, and what each gate changes."""
    told = [
        f"The mean IoU of all {len(found.held)} classes counts '{found.background}', the other leaves it out; a class "
        "that the split does not hold counts in neither.",
        f"Contest Dice is the mean over pairs of image and class ({', '.join(found.scored)}): empty and empty is 1, "
        f"empty against anything is 0. Predicting nothing at all would score {rate(found.silence)} here.",
    ]
    for before, after in zip(found.rows[1:], found.rows, strict=False):
        if before.gate == "without" and before.name == after.name:
            told.append(
                f"The gate of '{after.name}' moves contest Dice from {rate(before.contest.mean)} to "
                f"{rate(after.contest.mean)} and pooled Dice from {rate(before.dice.mean)} to "
                f"{rate(after.dice.mean)}."
            )
    return told
