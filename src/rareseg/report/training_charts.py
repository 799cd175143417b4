"""How training went: loss and validation score over the steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rareseg.report.axes import log_axis, trace_values
from rareseg.report.chart import Chart
from rareseg.report.load_runs import StudyRuns
from rareseg.report.palette import strategy_style

__all__ = ["training_charts"]

_MOST_POINTS = 400


def training_charts(study: StudyRuns) -> list[Chart]:
    """Loss and validation score over the steps, a thin line for each seed; failed runs are dotted."""
    loss = _training(study, column="loss", title="Training loss", log=True)
    score = _training(
        study,
        column="val_score",
        title="Validation score: mean Dice of the rare classes",
        log=False,
    )
    return [chart for chart in (loss, score) if chart.data]


def _training(study: StudyRuns, *, column: str, title: str, log: bool) -> Chart:
    order = list(dict.fromkeys(run.strategy for run in study.runs))
    data = []
    for run in study.runs:
        if column not in run.log:
            continue
        known = ~np.isnan(run.log[column])
        steps, values = _thinned(run.log["step"][known], run.log[column][known])
        if not len(steps):
            continue
        style = strategy_style(order.index(run.strategy))
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers" if len(steps) < 40 and column == "val_score" else "lines",
                "x": steps,
                "y": values,
                "line": {
                    "color": style.color,
                    "width": 1.4,
                    "dash": "dot" if run.state == "failed" else "solid",
                },
                "marker": {"size": 4, "symbol": style.symbol},
                "opacity": 0.85,
                "hovertemplate": f"<b>{run.strategy}</b>, seed {run.seed}"
                "<br>step %{x}: %{y:.5~g}<extra></extra>",
            }
        )
    y_axis = log_axis(trace_values(data, "y")) if log else {"rangemode": "tozero"}
    return Chart(
        title=title,
        data=data,
        layout={"xaxis": {"title": "Optimizer step", "rangemode": "tozero"}, "yaxis": y_axis},
        alt=f"{title} of each run over the optimizer steps",
        height=320,
    )


def _thinned(x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """At most 400 points, first and last among them."""
    if len(x) <= _MOST_POINTS:
        return x, y
    kept = np.unique(np.linspace(0, len(x) - 1, _MOST_POINTS).round().astype(int))
    return x[kept], y[kept]
