"""The chance that one strategy is better than another, as a matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rareseg.report.chart import Chart

__all__ = ["chance_chart"]

_MOST_WITH_TEXT = 14


def chance_chart(names: Sequence[str], chances: NDArray[np.float64], *, what: str) -> Chart:
    """Chance that the strategy of a row beats that of a column.

    Blue is for the row, orange for the column, the ground's own colour for neither: two hues that every colour
    vision tells apart, and the number stands in the cell.

    Args:
        names: Strategies, best first.
        chances: ``(n, n)`` in 0 to 1, NaN where nothing can be said, as on the diagonal.
        what: What is compared, such as ``mean IoU of crack, cavity``.
    """
    numbers = [str(position + 1) for position in range(len(names))]
    rows = [f"{number} {name}" for number, name in zip(numbers, names, strict=True)]
    known = ~np.isnan(chances)
    text = np.where(known, np.round(100 * np.nan_to_num(chances)).astype(int).astype(str), "")
    hover = [
        [
            f"<b>{row}</b> beats <b>{column}</b><br>with a chance of {100 * chances[i, j]:.1f} %"
            if known[i, j]
            else f"{row}, {column}: nothing can be said"
            for j, column in enumerate(names)
        ]
        for i, row in enumerate(names)
    ]
    return Chart(
        title="Chance in percent that the row beats the column",
        data=[
            {
                "type": "heatmap",
                "x": numbers,
                "y": rows,
                "z": chances,
                "zmin": 0,
                "zmax": 1,
                "colorscale": [[0, "$s2"], [0.5, "$raised"], [1, "$s1"]],
                "showscale": False,
                "xgap": 2,
                "ygap": 2,
                "text": text,
                "texttemplate": "%{text}" if len(names) <= _MOST_WITH_TEXT else "",
                "textfont": {"size": 12 if len(names) < 8 else 9},  # two digits fit a cell on a phone
                "hovertext": hover,
                "hovertemplate": "%{hovertext}<extra></extra>",
                "hoverongaps": False,
            }
        ],
        layout={
            "xaxis": {
                "type": "category",
                "side": "top",
                "tickangle": 0,
                "showgrid": False,
                "fixedrange": True,
            },
            "yaxis": {"type": "category", "autorange": "reversed", "showgrid": False, "fixedrange": True},
            "margin": {"l": 20, "r": 8, "t": 30, "b": 8},
        },
        alt=f"Matrix of the chance that one strategy beats another in {what}; the table below has the numbers",
        caption=f"In {what}; strategies by rank, columns by their number. Blue: the row is better; orange: "
        "the column is; pale: these data cannot tell.",
        height=70 + 34 * len(names),
    )
