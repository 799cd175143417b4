"""Which term of a summed loss pulled, over the steps."""

from __future__ import annotations

from rareseg.report.chart import Chart
from rareseg.report.load_runs import Run, StudyRuns
from rareseg.report.palette import strategy_style

__all__ = ["term_charts"]


def term_charts(study: StudyRuns) -> list[Chart]:
    """One chart for each strategy whose loss has several terms: share of the gradient by term, first seed."""
    first: dict[str, Run] = {}
    for run in study.runs:
        if run.term_shares:
            first.setdefault(run.strategy, run)
    return [_chart(run) for run in first.values()]


def _chart(run: Run) -> Chart:
    several = len({part for part, _ in run.term_shares}) > 1
    data = []
    for number, ((part, term), rows) in enumerate(run.term_shares.items()):
        style = strategy_style(number)
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": f"{part}: {term}" if several else term,
                "x": [step for step, _ in rows],
                "y": [share for _, share in rows],
                "line": {"color": style.color, "width": 1.6},
                "hovertemplate": f"<b>{term}</b><br>step %{{x}}: %{{y:.0%}}<extra></extra>",
            }
        )
    title = f"Share of the gradient by term: {run.strategy}"
    return Chart(
        title=title,
        data=data,
        layout={
            "xaxis": {"title": "Optimizer step", "rangemode": "tozero"},
            "yaxis": {"range": [0, 1], "tickformat": ".0%"},
            "showlegend": True,
        },
        alt=f"{title}, L2 norm of each term's gradient on the logits over the sum of all, seed {run.seed}",
        height=280,
    )
