"""The trade-off behind tuned decisions: other thresholds on the curve, and where the decisions stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rareseg.metrics.curves import score_curve
from rareseg.report.axes import UNIT_RANGE, log_axis, trace_values
from rareseg.report.chart import Chart
from rareseg.report.decision_results import DecisionResults
from rareseg.report.load_runs import StudyRuns

__all__ = ["class_trade_offs", "shift_charts"]

_WORDS = {"val": "validation", "test": "test"}
_COLORS = {"val": "$s1", "test": "$s0"}
_LEGEND = "Solid and dark: test; dotted and blue: validation."
_POINTS = "Star: tuned; ring: own decision."
_MARKS = (("before", "own decision", "circle-open"), ("after", "tuned", "star"))


def class_trade_offs(study: StudyRuns, strategy: str, results: Mapping[str, DecisionResults]) -> list[Chart]:
    """Precision over recall of each class at every threshold, with the own and the tuned decision as points."""
    charts = []
    curves = {split: _pooled(study, strategy, split) for split in results}
    for name in dict.fromkeys(name for found in results.values() for name in found.classes):
        data: list[dict[str, Any]] = []
        for split, found in results.items():
            if name not in found.classes:
                continue
            if name in curves[split]:
                rates = score_curve(*curves[split][name]).rates
                data.append(
                    {
                        "type": "scatter",
                        "mode": "lines",
                        "name": f"{_WORDS[split]}, any threshold",
                        "x": rates.tpr.round(5),
                        "y": rates.precision.round(5),
                        "line": {"color": _COLORS[split], "dash": "solid" if split == "test" else "dot"},
                        "hovertemplate": "recall %{x:.3~g}<br>precision %{y:.3~g}<extra></extra>",
                    }
                )
            for side, word, symbol in _MARKS:
                rate = found.classes[name]
                data.append(
                    _mark(
                        f"{_WORDS[split]}, {word}",
                        getattr(rate["tpr"], side).mean,
                        getattr(rate["precision"], side).mean,
                        color=_COLORS[split],
                        symbol=symbol,
                    )
                )
        charts.append(
            Chart(
                title=name,
                data=data,
                layout={
                    "xaxis": {"title": "Recall (TPR)", "range": UNIT_RANGE},
                    "yaxis": {"title": "Precision", "range": UNIT_RANGE},
                },
                alt=f"Precision over recall of the class {name}, with the own and the tuned decision",
                caption=f"{_POINTS} {_LEGEND}",
                height=320,
            )
        )
    return charts


def shift_charts(
    trade_offs: Sequence[Mapping[str, Sequence[Mapping[str, float]]]],
    results: Mapping[str, DecisionResults],
    *,
    title: str,
) -> list[Chart]:
    """The aim's figure, and regions found over false ones, when all chosen thresholds move together.

    Args:
        trade_offs: Of each seed, see `rareseg.study.trade_off`.
        results: Of each part.
        title: The aim's figure in words.
    """
    by_shift: list[dict[str, Any]] = []
    by_alarm: list[dict[str, Any]] = []
    for split, found in results.items():
        rows = [trade_off[split] for trade_off in trade_offs]
        shifts = [row["shift"] for row in rows[0]]
        mean = {
            key: np.array([[_number(row[key]) for row in run] for run in rows]).mean(axis=0)
            for key in ("aim", "recall", "false_regions_per_megapixel")
        }
        line = {"color": _COLORS[split], "dash": "solid" if split == "test" else "dot"}
        by_shift.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": _WORDS[split],
                "x": shifts,
                "y": mean["aim"],
                "line": line,
                "hovertemplate": "moved by %{x:+g} in logit<br>%{y:.4~g}<extra></extra>",
            }
        )
        own = found.aim[0].before.mean
        by_shift.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": f"{_WORDS[split]}, own decision",
                "x": [shifts[0], shifts[-1]],
                "y": [own, own],
                "line": {"color": _COLORS[split], "dash": "dash", "width": 1},
                "hovertemplate": "own decision %{y:.4~g}<extra></extra>",
            }
        )
        by_shift.append(
            _mark(
                f"{_WORDS[split]}, tuned", 0.0, found.aim[0].after.mean, color=_COLORS[split], symbol="star"
            )
        )
        by_alarm.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": _WORDS[split],
                "x": mean["false_regions_per_megapixel"],
                "y": mean["recall"],
                "customdata": shifts,
                "line": line,
                "hovertemplate": "%{x:.3~g} false regions a megapixel<br>recall %{y:.3~g}"
                "<br>moved by %{customdata:+g} in logit<extra></extra>",
            }
        )
        recall = next(
            (one for one in (*found.aim, *found.others) if one.title.startswith("mean recall")), None
        )
        false = next(one for one in found.others if one.title == "false regions a megapixel")
        for side, word, symbol in _MARKS if recall else ():
            x, y = getattr(false, side).mean, getattr(recall, side).mean
            by_alarm.append(_mark(f"{_WORDS[split]}, {word}", x, y, color=_COLORS[split], symbol=symbol))
    return [
        Chart(
            title=title[:1].upper() + title[1:],
            data=by_shift,
            layout={"xaxis": {"title": "All thresholds moved by (logit)"}, "yaxis": {"title": title}},
            alt=f"{title} when all thresholds are moved together",
            caption="At 0 stands the tuned decision (star). To the right less is taken for a defect. Dashed: the runs' "
            f"own decision. {_LEGEND}",
            height=340,
        ),
        Chart(
            title="Regions found and false ones",
            data=by_alarm,
            layout={
                "xaxis": {"title": "False regions a megapixel", **log_axis(trace_values(by_alarm, "x"))},
                "yaxis": {"title": "Mean recall of regions", "range": UNIT_RANGE},
            },
            alt="Recall of regions over false regions a megapixel, with the own and the tuned decision",
            caption=f"Top left is best. The curve moves all chosen thresholds together. {_POINTS} {_LEGEND}",
            height=340,
        ),
    ]


def _mark(name: str, x: float, y: float, *, color: str, symbol: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "cliponaxis": False,
        "name": name,
        "x": [x],
        "y": [y],
        "marker": {"color": color, "symbol": symbol, "size": 12, "line": {"color": color, "width": 2}},
        "hovertemplate": f"<b>{name}</b><br>%{{x:.4~g}}, %{{y:.4~g}}<extra></extra>",
    }


def _number(value: float | None) -> float:
    return np.nan if value is None else value


def _pooled(study: StudyRuns, strategy: str, split: str) -> dict[str, tuple[Any, Any]]:
    """Positives and negatives ``(256,)`` of each class, summed over images and seeds."""
    sums: dict[str, tuple[Any, Any]] = {}
    for run in study.finished(strategy):
        table = run.read_scores()
        if table is None:
            continue
        for name, (own, other) in table.select(step=table.last_step(), split=split).pooled().items():
            before = sums.get(name, (0, 0))
            sums[name] = (before[0] + own, before[1] + other)
    return sums
