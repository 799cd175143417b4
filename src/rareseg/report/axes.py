"""Axes that the charts share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rareseg.metrics.runs_summary import RunsEstimate

__all__ = ["RATE_WORDS", "UNIT_RANGE", "error_bar", "log_axis", "trace_values"]

RATE_WORDS: Final[Mapping[str, str]] = {
    "tpr": "TPR (recall)",
    "fpr": "FPR",
    "precision": "Precision",
    "iou": "IoU",
    "dice": "Dice",
}
"""Rates as axes call them."""
UNIT_RANGE: Final = (-0.02, 1.02)
"""Range of an axis for rates, with room for markers at its ends."""


def error_bar(estimate: RunsEstimate, color: str) -> dict[str, Any]:
    """The interval of a mean as plotly's error bar; nothing where there is none."""
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


def log_axis(values: NDArray[np.float64]) -> dict[str, Any]:
    """A logarithmic axis with few, readable ticks: decades, or 1-3 or 1-2-5 where these are too few.

    Args:
        values: Everything that is drawn along it; what is not above 0 has no place on it.

    Example:
        >>> log_axis(np.array([0.0002, 0.03]))["ticktext"]
        ['3e−4', '1e−3', '3e−3', '0.01', '0.03']
    """
    known = values[values > 0]
    if not len(known):
        return {"type": "log"}
    low, high = np.log10(known.min()) - 0.08, np.log10(known.max()) + 0.08
    decades = range(int(np.floor(low)), int(np.ceil(high)) + 1)
    ticks: list[float] = []
    for factors in ((1,), (1, 3), (1, 2, 5)):
        ladder = [factor * 10.0**decade for decade in decades for factor in factors]
        ticks = [tick for tick in ladder if low <= np.log10(tick) <= high]
        if len(ticks) > 2:
            break
    ticks = ticks[:: -(-len(ticks) // 7)] if ticks else ticks
    words = [
        f"{tick:.0e}".replace("e-0", "e\N{MINUS SIGN}") if tick < 0.01 else f"{tick:g}" for tick in ticks
    ]
    return {"type": "log", "range": [low, high], "tickmode": "array", "tickvals": ticks, "ticktext": words}


def trace_values(data: Sequence[Mapping[str, Any]], axis: str) -> NDArray[np.float64]:
    """All positions of the traces along one axis."""
    return np.concatenate([np.asarray(trace[axis], np.float64) for trace in data] or [np.zeros(0)])
