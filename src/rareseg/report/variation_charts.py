"""How a strategy varies over the classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rareseg.report.axes import RATE_WORDS, UNIT_RANGE, log_axis, trace_values
from rareseg.report.chart import Chart
from rareseg.report.load_runs import StudyRuns
from rareseg.report.palette import strategy_style
from rareseg.report.results import SplitResults

__all__ = ["variation_charts"]


def variation_charts(study: StudyRuns, results: SplitResults) -> list[Chart]:
    """How TPR, FPR and precision vary over the rare classes in each strategy (Figure 4.2).

    The colour tells the class, the shape the strategy; the mean has the colour of the text.
    """
    return [_variation(study, results, rate) for rate in ("tpr", "fpr", "precision")]


def _variation(study: StudyRuns, results: SplitResults, rate: str) -> Chart:
    names = [strategy.name for strategy in results.strategies]
    symbols = [strategy_style(strategy.index).symbol for strategy in results.strategies]
    values = {
        name: [strategy.classes[name].pooled[rate].mean for strategy in results.strategies]
        for name in results.counted
    }
    data: list[dict[str, Any]] = []
    spans = np.array(list(values.values()), np.float64).reshape(len(values), len(names))
    for position, name in enumerate(names):
        column = spans[:, position]
        column = column[~np.isnan(column)]
        if len(column) > 1:
            data.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "x": [name, name],
                    "y": [column.min(), column.max()],
                    "line": {"color": "$line", "width": 2},
                    "hoverinfo": "skip",
                }
            )
    for name, series in values.items():
        marker = {
            "color": study.class_colors[name],
            "symbol": symbols,
            "size": 11,
            "line": {"color": "$muted", "width": 1},
        }
        data.append(_per_strategy(names, series, marker, label=name, rate=rate))
    if all(strategy.rare is not None for strategy in results.strategies):
        means = [strategy.rare.pooled[rate].mean for strategy in results.strategies if strategy.rare]
        data.append(
            _per_strategy(
                names, means, {"color": "$fg", "symbol": symbols, "size": 9}, label="mean", rate=rate
            )
        )
    y_axis: dict[str, Any] = {"title": RATE_WORDS[rate]}
    y_axis |= log_axis(trace_values(data, "y")) if rate == "fpr" else {"range": UNIT_RANGE}
    x_axis = {"type": "category", "categoryorder": "array", "categoryarray": names, "showgrid": False}
    return Chart(
        title=f"{RATE_WORDS[rate]} by class",
        data=data,
        layout={"xaxis": {**x_axis, "tickangle": -35 if sum(map(len, names)) > 24 else 0}, "yaxis": y_axis},
        alt=f"{RATE_WORDS[rate]} of each rare class for each strategy; the table of results has the values",
        height=340,
    )


def _per_strategy(
    names: Sequence[str], values: Sequence[float], marker: Mapping[str, Any], *, label: str, rate: str
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "cliponaxis": False,
        "name": label,
        "x": list(names),
        "y": list(values),
        "marker": marker,
        "hovertemplate": f"<b>{label}</b>, %{{x}}<br>{RATE_WORDS[rate]} %{{y:.5~g}}<extra></extra>",
    }
