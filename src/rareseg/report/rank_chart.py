"""Ranks of every strategy: with each seed, and over draws of images."""

from __future__ import annotations

from typing import Any

from rareseg.metrics.rank_stability import RankStability
from rareseg.report.chart import Chart
from rareseg.report.load_runs import StudyRuns
from rareseg.report.palette import strategy_style

__all__ = ["rank_chart"]


def rank_chart(study: StudyRuns, ranking: RankStability, *, what: str, interval: str) -> Chart:
    """A strip for each strategy, best first: a mark a seed, and a bar for the draws of images.

    Args:
        study: The runs.
        ranking: Ranks by one rate.
        what: The rate in words.
        interval: Share of the draws inside the bar, in words.
    """
    names = list(ranking.strategies)
    data: list[dict[str, Any]] = []
    for name, own in ranking.strategies.items():
        style = strategy_style(study.strategies.index(name))
        if own.low == own.low:
            data.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "x": [own.low, own.high],
                    "y": [name, name],
                    "line": {"color": style.color, "width": 12},
                    "opacity": 0.25,
                    "hoverinfo": "skip",
                }
            )
        seeds, ranks = list(own.by_seed), list(own.by_seed.values())
        images = f"<br>over draws of images {own.low:g} to {own.high:g}" if own.low == own.low else ""
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": ranks,
                "y": [name] * len(ranks),
                "customdata": [
                    ", ".join(str(other) for other in seeds if own.by_seed[other] == own.by_seed[seed])
                    for seed in seeds
                ],
                "marker": {
                    "color": style.color,
                    "symbol": style.symbol,
                    "size": 11,
                    "line": {"color": "$surface", "width": 1},
                },
                "cliponaxis": False,
                "hovertemplate": f"<b>{name}</b><br>rank %{{x}} with seed %{{customdata}}{images}"
                "<extra></extra>",
            }
        )
    several = "marks: single seeds (they lie on top of each other where ranks agree); " * (
        len(ranking.seeds) > 1
    )
    return Chart(
        title=f"Rank by {what}",
        data=data,
        layout={
            "xaxis": {
                "title": "Rank (1 is best)",
                "range": [0.5, len(names) + 0.5],
                "dtick": 1 if len(names) < 16 else 5,
                "tick0": 1 if len(names) < 16 else 0,
                "fixedrange": True,
            },
            "yaxis": {
                "type": "category",
                "categoryorder": "array",
                "categoryarray": names[::-1],
                "fixedrange": True,
            },
        },
        alt=f"Rank of each strategy by {what} with each seed and over draws of images; see the table below",
        caption=f"{several.capitalize()}{'bar' if several else 'Bar'}: {interval} of the draws of images. "
        "Bars and marks that overlap mean that the order may be chance.",
        height=96 + 34 * len(names),
    )
