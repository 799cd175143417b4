"""What a strategy gains and what it pays: TPR against FPR, and precision against recall."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rareseg.report.axes import RATE_WORDS, UNIT_RANGE, error_bar, log_axis, trace_values
from rareseg.report.chart import Chart
from rareseg.report.palette import strategy_style
from rareseg.report.results import RARE, SplitResults

__all__ = ["trade_off_charts"]


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
                "error_x": error_bar(strategy.rare.pooled[x], style.color),
                "error_y": error_bar(strategy.rare.pooled[y], style.color),
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
    x_axis |= (
        log_axis(_with_ends(results, trace_values(data, "x"), x)) if x == "fpr" else {"range": UNIT_RANGE}
    )
    return Chart(
        title=title,
        data=data,
        layout={"xaxis": x_axis, "yaxis": {"title": RATE_WORDS[y], "range": UNIT_RANGE}},
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
