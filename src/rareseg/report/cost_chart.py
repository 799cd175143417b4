"""Is a better score bought with more training?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rareseg.report.axes import error_bar, log_axis, trace_values
from rareseg.report.chart import Chart
from rareseg.report.palette import strategy_style
from rareseg.report.results import SplitResults

__all__ = ["cost_chart"]


def cost_chart(results: SplitResults, megapixels: Mapping[str, float]) -> Chart | None:
    """Mean IoU of the rare classes against all pixels that training read; None with fewer than two strategies.

    Args:
        results: Figures of the judging split.
        megapixels: Training megapixels by strategy.
    """
    data: list[dict[str, Any]] = []
    for strategy in results.ranked:
        if strategy.name not in megapixels or strategy.rare is None:
            continue
        style, iou = strategy_style(strategy.index), strategy.rare.pooled["iou"]
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": strategy.name,
                "x": [megapixels[strategy.name]],
                "y": [iou.mean],
                "error_y": error_bar(iou, style.color),
                "cliponaxis": False,
                "marker": {
                    "color": style.color,
                    "symbol": style.symbol,
                    "size": 13,
                    "line": {"color": "$surface", "width": 1.5},
                },
                "hovertemplate": f"<b>{strategy.name}</b><br>IoU %{{y:.5~g}}<br>%{{x:.4~g}} megapixels"
                "<extra></extra>",
            }
        )
    if len(data) < 2:
        return None
    values = trace_values(data, "x")
    axis: dict[str, Any] = {"rangemode": "tozero", "range": [0, 1.15 * float(values.max())]}
    if values.max() > 8 * values.min():
        axis = log_axis(np.concatenate([values, values / 1.5, values * 1.5]))
    return Chart(
        title="Score against all pixels that training read",
        data=data,
        layout={
            "xaxis": {"title": "Training megapixels, all members together", **axis},
            "yaxis": {"title": f"IoU, mean of {len(results.counted)} rare classes", "rangemode": "tozero"},
        },
        alt="Mean IoU of the rare classes of each strategy against its training megapixels; see the tables",
        caption="Compare strategies that stand above each other: they read equally many pixels. "
        "The bar is the interval of the mean.",
        height=340,
    )
