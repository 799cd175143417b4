"""The classic set of figures of one class: TP, FP, FN, TN and the six rates that are usually made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rareseg.metrics.runs_summary import RunsEstimate

__all__ = ["CLASSIC_RATES", "PixelRates"]

CLASSIC_RATES = {
    "accuracy": "accuracy",
    "tpr": "recall",
    "specificity": "specificity",
    "precision": "precision",
    "dice": "F1",
    "iou": "IoU",
}
"""Rates by their name in `RATE_NAMES`, with the words of the table."""


@dataclass(frozen=True)
class PixelRates:
    """Counts and rates of one class of one strategy, pooled over the pixels of a split.

    Args:
        counts: TP, FP, FN and TN in pixels: the mean over seeds.
        rates: Those of `CLASSIC_RATES`: mean over seeds of each seed's rate, with its interval.
    """

    counts: tuple[float, float, float, float]
    rates: Mapping[str, RunsEstimate]

    @classmethod
    def of(cls, counts: Sequence[float], pooled: Mapping[str, RunsEstimate]) -> PixelRates:
        """From counts and all rates of a class."""
        tp, fp, fn, tn = (float(count) for count in counts)
        return cls((tp, fp, fn, tn), {name: pooled[name] for name in CLASSIC_RATES})
