"""Tables and their cells in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rareseg.metrics.runs_summary import RunsEstimate
from rareseg.report.numerals import rate

__all__ = ["UNDEFINED_CELL", "estimate_cell", "markdown_table"]

UNDEFINED_CELL = "\N{EN DASH}"


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table.

    Example:
        >>> markdown_table(["strategy", "IoU"], [["focal", "0.5"]])
        ['| strategy | IoU |', '|---|---|', '| focal | 0.5 |']
    """
    return [
        f"| {' | '.join(heads)} |",
        "|" + "---|" * len(heads),
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def estimate_cell(value: RunsEstimate) -> str:
    """Mean and interval, as far as they are defined."""
    if not value.num_runs:
        return UNDEFINED_CELL
    if value.low != value.low:
        return str(rate(value.mean))
    return f"{rate(value.mean)} ({rate(value.low)} to {rate(value.high)})"
