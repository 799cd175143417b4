"""What each strategy saw of each class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rareseg.report.chart import Chart
from rareseg.report.load_runs import StudyRuns
from rareseg.report.palette import strategy_style

__all__ = ["exposure_chart"]


def exposure_chart(
    study: StudyRuns, shares: Mapping[str, Mapping[str, float]], natural: Mapping[str, float]
) -> Chart:
    """Share of the trained pixels of each class in each strategy, against that of the training split."""
    classes = list(reversed(study.class_names))
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": "training split",
            "x": [natural.get(name) or np.nan for name in classes],
            "y": classes,
            "marker": {"symbol": "line-ns-open", "size": 22, "color": "$fg", "line": {"width": 2}},
            "hovertemplate": "<b>training split</b><br>%{y}: %{x:.4~%}<extra></extra>",
        }
    ]
    for strategy, seen in shares.items():
        style = strategy_style(study.strategies.index(strategy))
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": strategy,
                "x": [seen.get(name) or np.nan for name in classes],
                "y": classes,
                "marker": {
                    "symbol": style.symbol,
                    "color": style.color,
                    "size": 11,
                    "line": {"color": "$surface", "width": 1},
                },
                "hovertemplate": f"<b>{strategy}</b><br>%{{y}}: %{{x:.4~%}}<extra></extra>",
            }
        )
    return Chart(
        title="Share of the pixels that training saw",
        data=data,
        layout={
            "xaxis": {"type": "log", "title": "Share of pixels", "tickformat": "~%", "dtick": 1},
            "yaxis": {"type": "category", "categoryorder": "array", "categoryarray": classes},
        },
        alt="Share of the trained pixels of each class in each strategy; the values stand in the table below",
        caption="The upright bar is the class's share of the training split. Logarithmic axis.",
        height=120 + 48 * len(classes),
    )
