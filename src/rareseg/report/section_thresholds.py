"""The section 'Thresholds': what other probability thresholds would give, from the stored scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rareseg.report.load_runs import StudyRuns
from rareseg.report.numerals import level
from rareseg.report.page import Section, render_fragment
from rareseg.report.palette import strategy_style
from rareseg.report.pixel_rates import CLASSIC_RATES
from rareseg.report.threshold_results import ThresholdRow

__all__ = ["threshold_note", "thresholds_section"]

TABS = {"test": "Test", "val": "Validation"}


def thresholds_section(
    study: StudyRuns, scans: Mapping[str, Sequence[ThresholdRow]], *, interval: float
) -> Section | None:
    """Show counts and rates at each threshold; None where no strategy asks about single classes.

    Args:
        study: The runs.
        scans: Rows of each split.
        interval: Share of the bootstrap resamples inside an interval.
    """
    if not any(scans.values()):
        return None
    body = render_fragment(
        "report_thresholds.html.j2",
        tabs=[(split, TABS[split]) for split in scans],
        splits=[
            {
                "split": split,
                "title": TABS[split],
                "classes": [
                    {
                        "name": label,
                        "color": study.class_colors[label],
                        "rows": [
                            {"row": row, "style": strategy_style(row.index)}
                            for row in rows
                            if row.class_name == label
                        ],
                    }
                    for label in dict.fromkeys(row.class_name for row in rows)
                ],
            }
            for split, rows in scans.items()
        ],
        note=threshold_note(study, [row for rows in scans.values() for row in rows]),
        headings=CLASSIC_RATES,
        interval=level(interval),
    )
    return Section(
        "thresholds",
        "Thresholds",
        body,
        lead="Each class against the rest, at several probabilities. Choose one on validation, never on test.",
    )


def threshold_note(study: StudyRuns, rows: Sequence[ThresholdRow]) -> str:
    """Where the thresholds really lie, and what the probability is."""
    used = {row.asked: row.used for row in rows}
    moved = ", ".join(f"{100 * asked:g} % at {100 * edge:.2f} %" for asked, edge in used.items())
    told = (
        "Scores are kept in bins of 0.1 in logit, so a threshold lies on the nearest edge of a bin, where the counts "
        f"are exact: {moved}."
    )
    if len(study.class_names) > 2:
        told += (
            " The probability is that of the joined channels: the odds of a class over 1 and the odds of all classes. "
            "Classes are asked one by one, so a pixel may count for several."
        )
    return told
