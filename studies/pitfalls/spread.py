"""Numbers with their spread, tables of them, and how both are written as JSON and Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

__all__ = ["Number", "Spread", "Table", "from_json", "spread", "to_json", "to_markdown", "with_tables"]


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation (n - 1) of repeated measurements."""

    mean: float
    sd: float
    n: int

    def __str__(self) -> str:
        return f"{_text(self.mean)} ± {_text(self.sd)}"


Number = float | int | Spread
Table = Mapping[str, Mapping[str, Number]]
"""Rows by name, each with its numbers by the name of the column."""


def spread(values: Iterable[float]) -> Spread:
    """Mean and standard deviation of measurements that are all defined."""
    array = np.array(list(values), np.float64)
    return Spread(float(array.mean()), float(array.std(ddof=1)), len(array))


def to_json(tables: Mapping[str, Table]) -> dict[str, Any]:
    """Tables as plain dictionaries; a `Spread` becomes one with the keys mean, sd and n."""
    return {
        name: {
            row: {
                column: asdict(cell) if isinstance(cell, Spread) else cell for column, cell in cells.items()
            }
            for row, cells in table.items()
        }
        for name, table in tables.items()
    }


def from_json(tables: Mapping[str, Any]) -> dict[str, Table]:
    """What `to_json` was given."""
    return {
        name: {
            row: {
                column: Spread(**cell) if isinstance(cell, dict) else cell for column, cell in cells.items()
            }
            for row, cells in table.items()
        }
        for name, table in tables.items()
    }


def to_markdown(table: Table) -> str:
    """A Markdown table; spreads are shown as mean ± standard deviation."""
    columns = list(next(iter(table.values())))
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for row, cells in table.items():
        values = (cells[column] for column in columns)
        shown = [str(value) if isinstance(value, Spread) else _text(value) for value in values]
        lines.append(f"| {row} | " + " | ".join(shown) + " |")
    return "\n".join(lines) + "\n"


def with_tables(page: str, results: Mapping[str, Mapping[str, Table]]) -> str:
    """The text of a page with each table below a mark ``<!-- pitfall.table -->`` written anew."""

    def table_below(found: re.Match[str]) -> str:
        pitfall, name = found[1].split(".")
        if pitfall not in results:
            return found[0]
        return f"<!-- {found[1]} -->\n\n{to_markdown(results[pitfall][name])}"

    return re.sub(r"<!-- (\w+\.\w+) -->\n(?:\n(?:\|.*\n)+)?", table_below, page)


def _text(value: float) -> str:
    """Three digits, and four where a rate is close to 1; whole numbers as they are."""
    if isinstance(value, int):
        return str(value)
    if value == 0:
        return "0"
    size = abs(value)
    if size < 0.001:
        return f"{value:.1e}".replace("e-0", "e-")
    places = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 2 else 4 if 0.99 <= size < 1 else 3
    return f"{value:.{places}f}"
