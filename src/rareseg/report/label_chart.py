"""Strategies by the own labels against the same by other ones."""

from __future__ import annotations

from typing import Any

from rareseg.report.axes import error_bar
from rareseg.report.chart import Chart
from rareseg.report.label_results import LabelResults
from rareseg.report.load_runs import StudyRuns
from rareseg.report.palette import strategy_style

__all__ = ["label_chart"]


def label_chart(study: StudyRuns, found: LabelResults) -> Chart:
    """Mean IoU by other labels over mean IoU by the own ones; on the diagonal both are equal."""
    ends = [
        value
        for row in found.rows
        for e in (row.own.pooled["iou"], row.other.pooled["iou"])
        for value in (e.mean, e.low, e.high)
        if value == value
    ]
    ceiling = found.ceiling.pooled["iou"].mean if found.ceiling else float("nan")
    top = min(1.02, max([*ends, ceiling if ceiling == ceiling else 0.0]) + 0.04)
    low = max(-0.02, min(ends) - 0.04)
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [low, top],
            "y": [low, top],
            "line": {"color": "$line", "width": 1},
            "hoverinfo": "skip",
        }
    ]
    if ceiling == ceiling:
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": "the own labels themselves",
                "x": [low, top],
                "y": [ceiling, ceiling],
                "line": {"color": "$muted", "width": 1.5, "dash": "dot"},
                "hovertemplate": f"<b>the own labels themselves</b><br>{found.labels} %{{y:.5~g}}<extra></extra>",
            }
        )
    for row in found.rows:
        style = strategy_style(study.strategies.index(row.name))
        own, other = row.own.pooled["iou"], row.other.pooled["iou"]
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": row.name,
                "x": [own.mean],
                "y": [other.mean],
                "error_x": error_bar(own, style.color),
                "error_y": error_bar(other, style.color),
                "marker": {
                    "color": style.color,
                    "symbol": style.symbol,
                    "size": 12,
                    "line": {"color": "$surface", "width": 1.5},
                },
                "hovertemplate": f"<b>{row.name}</b><br>own labels %{{x:.5~g}}<br>"
                f"{found.labels} %{{y:.5~g}}<extra></extra>",
            }
        )
    rate = "Mean IoU" if len(found.classes) > 1 else "IoU"
    return Chart(
        title=f"{rate} by the own labels and by '{found.labels}'",
        data=data,
        layout={
            "xaxis": {"title": f"{rate} by the own labels", "range": [low, top]},
            "yaxis": {"title": f"{rate} by '{found.labels}'", "range": [low, top]},
        },
        alt=f"{rate} of {len(found.rows)} strategies by two sets of labels; the values stand in the table below",
        caption="Bars are intervals. On the line both labels say the same"
        + ("; dotted: the own labels themselves, judged by the other ones." if ceiling == ceiling else "."),
        height=380,
    )
