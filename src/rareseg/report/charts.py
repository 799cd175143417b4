"""The charts of a report, each a plain plotly figure made from figures that also stand in the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rareseg.metrics.curves import average_precision, score_curve
from rareseg.metrics.runs_summary import RunsSummary
from rareseg.report.chart import Chart
from rareseg.report.load_runs import StudyRuns
from rareseg.report.palette import strategy_style
from rareseg.report.results import RARE, SplitResults

__all__ = ["curve_charts", "exposure_chart", "trade_off_charts", "training_charts", "variation_charts"]

RATE_WORDS: Mapping[str, str] = {
    "tpr": "TPR (recall)",
    "fpr": "FPR",
    "precision": "Precision",
    "iou": "IoU",
    "dice": "Dice",
}
_UNIT_RANGE = [-0.02, 1.02]
_MOST_POINTS = 400


def trade_off_charts(results: SplitResults) -> list[Chart]:
    """TPR against FPR, and precision against recall, in the mean over the rare classes (Figure 4.1).

    A large marker is the mean over the seeds with its interval, a small one a seed.
    """
    return [
        _trade_off(results, x="fpr", y="tpr", title="TPR against FPR", best="top left is best"),
        _trade_off(
            results, x="tpr", y="precision", title="Precision against recall", best="top right is best"
        ),
    ]


def _trade_off(results: SplitResults, *, x: str, y: str, title: str, best: str) -> Chart:
    data: list[dict[str, Any]] = []
    for strategy in results.strategies:
        if strategy.rare is None:
            continue
        style = strategy_style(strategy.index)
        hover = f"{RATE_WORDS[y]} %{{y:.5~g}}<br>{RATE_WORDS[x]} %{{x:.5~g}}<extra></extra>"
        seeds = [seed for seed in strategy.seeds if RARE in strategy.by_seed[seed]]
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "cliponaxis": False,
                "x": [strategy.by_seed[seed][RARE][x] for seed in seeds],
                "y": [strategy.by_seed[seed][RARE][y] for seed in seeds],
                "customdata": seeds,
                "marker": {"color": style.color, "symbol": style.symbol, "size": 6, "opacity": 0.5},
                "hovertemplate": f"<b>{strategy.name}</b>, seed %{{customdata}}<br>{hover}",
            }
        )
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "cliponaxis": False,
                "name": strategy.name,
                "x": [strategy.rare.pooled[x].mean],
                "y": [strategy.rare.pooled[y].mean],
                "error_x": _error_bar(strategy.rare, x, style.color),
                "error_y": _error_bar(strategy.rare, y, style.color),
                "marker": {
                    "color": style.color,
                    "symbol": style.symbol,
                    "size": 13,
                    "line": {"color": "$surface", "width": 1.5},
                },
                "hovertemplate": f"<b>{strategy.name}</b>, mean of {len(seeds)} seeds<br>{hover}",
            }
        )
    x_axis: dict[str, Any] = {"title": f"{RATE_WORDS[x]}, mean of rare classes"}
    x_axis |= _log_axis(_with_ends(results, _values(data, "x"), x)) if x == "fpr" else {"range": _UNIT_RANGE}
    return Chart(
        title=title,
        data=data,
        layout={"xaxis": x_axis, "yaxis": {"title": RATE_WORDS[y], "range": _UNIT_RANGE}},
        alt=f"{title} of {len(results.strategies)} strategies; the values stand in the table of results",
        caption=f"Large: mean over seeds, with its interval; small: single seeds; {best}."
        + (" FPR on a logarithmic axis." if x == "fpr" else ""),
        height=360,
    )


def _with_ends(results: SplitResults, values: NDArray[np.float64], rate: str) -> NDArray[np.float64]:
    """The values and the ends of the means' intervals, but none far below the least value."""
    least = np.nanmin(np.where(values > 0, values, np.nan), initial=1.0)
    means = [strategy.rare.pooled[rate] for strategy in results.strategies if strategy.rare]
    ends = [max(end, least / 3) for mean in means for end in (mean.low, mean.high) if end == end]
    return np.concatenate([values, ends])


def _error_bar(summary: RunsSummary, rate: str, color: str) -> dict[str, Any]:
    estimate = summary.pooled[rate]
    if estimate.low != estimate.low:
        return {"visible": False}
    return {
        "type": "data",
        "symmetric": False,
        "array": [max(0.0, estimate.high - estimate.mean)],
        "arrayminus": [max(0.0, estimate.mean - estimate.low)],
        "color": color,
        "thickness": 1,
        "width": 0,
    }


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
    y_axis |= _log_axis(_values(data, "y")) if rate == "fpr" else {"range": _UNIT_RANGE}
    x_axis = {"type": "category", "categoryorder": "array", "categoryarray": names, "showgrid": False}
    return Chart(
        title=f"{RATE_WORDS[rate]} by class",
        data=data,
        layout={"xaxis": {**x_axis, "tickangle": -35 if len(names) > 3 else 0}, "yaxis": y_axis},
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
                "xaxis": {"title": "Recall (TPR)", "range": _UNIT_RANGE},
                "yaxis": {"title": "Precision", "range": _UNIT_RANGE},
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
    y_axis = _log_axis(_values(data, "y")) if log else {"rangemode": "tozero"}
    return Chart(
        title=title,
        data=data,
        layout={"xaxis": {"title": "Optimizer step", "rangemode": "tozero"}, "yaxis": y_axis},
        alt=f"{title} of each run over the optimizer steps",
        height=320,
    )


def _values(data: Sequence[Mapping[str, Any]], axis: str) -> NDArray[np.float64]:
    """All positions of the traces along one axis."""
    return np.concatenate([np.asarray(trace[axis], np.float64) for trace in data] or [np.zeros(0)])


def _log_axis(values: NDArray[np.float64]) -> dict[str, Any]:
    """A logarithmic axis with few, readable ticks: decades, or 1-2-5 where these are less than three."""
    known = values[values > 0]
    if not len(known):
        return {"type": "log"}
    low, high = np.log10(known.min()) - 0.08, np.log10(known.max()) + 0.08
    decades = range(int(np.floor(low)), int(np.ceil(high)) + 1)
    ticks = [10.0**decade for decade in decades if low <= decade <= high]
    ticks = ticks[:: -(-len(ticks) // 7)] if len(ticks) > 7 else ticks
    if len(ticks) < 3:
        ladder = [factor * 10.0**decade for decade in decades for factor in (1, 2, 5)]
        ticks = [tick for tick in ladder if low <= np.log10(tick) <= high]
    words = [
        f"{tick:.0e}".replace("e-0", "e\N{MINUS SIGN}") if tick < 0.01 else f"{tick:g}" for tick in ticks
    ]
    return {"type": "log", "range": [low, high], "tickmode": "array", "tickvals": ticks, "ticktext": words}


def _thinned(x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """At most 400 points, first and last among them."""
    if len(x) <= _MOST_POINTS:
        return x, y
    kept = np.unique(np.linspace(0, len(x) - 1, _MOST_POINTS).round().astype(int))
    return x[kept], y[kept]


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
