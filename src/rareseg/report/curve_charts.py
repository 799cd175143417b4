"""Precision over recall at every threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rareseg.metrics.curves import average_precision, score_curve
from rareseg.report.axes import UNIT_RANGE
from rareseg.report.chart import Chart
from rareseg.report.load_runs import StudyRuns
from rareseg.report.palette import strategy_style
from rareseg.report.results import SplitResults

__all__ = ["curve_charts"]


def curve_charts(study: StudyRuns, results: SplitResults) -> list[Chart]:
    """Precision over recall of each rare class, from the stored scores pooled over images and seeds."""
    data: dict[str, list[dict[str, Any]]] = {name: [] for name in results.counted}
    for strategy in results.strategies:
        style = strategy_style(strategy.index)
        for name, (positives, negatives) in _pooled_scores(study, strategy.name, results.split).items():
            if name not in data:
                continue
            found, area = score_curve(positives, negatives), average_precision(positives, negatives)
            # Thresholds at which nothing changes would only stack points on one spot.
            _, kept = np.unique(found.counts[:, :2], axis=0, return_index=True)
            data[name].append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "name": strategy.name,
                    "x": found.rates.tpr[kept].round(6),
                    "y": found.rates.precision[kept].round(6),
                    "customdata": found.thresholds[kept].round(7),
                    "line": {"color": style.color, "width": 2},
                    "hovertemplate": f"<b>{strategy.name}</b>, average precision {area.value:.4f}"
                    "<br>recall %{x:.5~g}<br>precision %{y:.5~g}"
                    "<br>threshold %{customdata:.4~g}<extra></extra>",
                }
            )
    return [
        Chart(
            title=name,
            data=traces,
            layout={
                "xaxis": {"title": "Recall (TPR)", "range": UNIT_RANGE},
                "yaxis": {"title": "Precision", "range": UNIT_RANGE},
            },
            alt=f"Precision over recall of the class {name} for each strategy",
            height=320,
        )
        for name, traces in data.items()
        if traces
    ]


def _pooled_scores(
    study: StudyRuns, strategy: str, split: str
) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Positives and negatives ``(256,)`` of each class, summed over images and seeds."""
    sums: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
    for run in study.finished(strategy):
        table = run.read_scores()
        if table is None:
            continue
        for name, (own, other) in table.select(step=table.last_step(), split=split).pooled().items():
            before = sums.get(name, (0, 0))
            sums[name] = (before[0] + own, before[1] + other)
    return sums
