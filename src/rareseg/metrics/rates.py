"""Rates as functions of counts; undefined ones are NaN, never 0 and never 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rareseg.errors import OptionError

__all__ = ["RATE_NAMES", "Rates", "rate_columns", "rates", "ratio"]

RATE_NAMES = ("tpr", "fpr", "precision", "iou", "dice", "f_beta", "specificity", "accuracy")
"""Names of the rates, in the order of the fields of `Rates`."""


@dataclass(frozen=True)
class Rates:
    """Rates in 0 to 1, each an array of the shape that the counts had; NaN where the denominator is 0."""

    tpr: NDArray[np.float64]
    """TP / (TP + FN), also called recall or sensitivity; undefined without support."""
    fpr: NDArray[np.float64]
    """FP / (FP + TN); undefined where every pixel belongs to the class."""
    precision: NDArray[np.float64]
    """TP / (TP + FP); undefined where nothing is predicted."""
    iou: NDArray[np.float64]
    """TP / (TP + FP + FN); undefined where the class is neither there nor predicted."""
    dice: NDArray[np.float64]
    """2 TP / (2 TP + FP + FN), equal to F1."""
    f_beta: NDArray[np.float64]
    """(1 + b^2) TP / ((1 + b^2) TP + b^2 FN + FP); b above 1 values recall over precision."""
    specificity: NDArray[np.float64]
    """TN / (TN + FP)."""
    accuracy: NDArray[np.float64]
    """(TP + TN) / all pixels; says little about a rare class."""

    def stacked(self) -> NDArray[np.float64]:
        """All rates in one array: the last axis follows `RATE_NAMES`."""
        return np.stack([getattr(self, name) for name in RATE_NAMES], axis=-1)


def rates(tp: ArrayLike, fp: ArrayLike, fn: ArrayLike, tn: ArrayLike, *, beta: float = 1.0) -> Rates:
    """Turn counts of any common shape into rates (section 3.5 of the foil thesis; T. Fawcett, An introduction to ROC
    analysis, 2006, doi:10.1016/j.patrec.2005.10.010, for specificity and accuracy).

    Args:
        tp: True positives; counts may be integers or (in a bootstrap) weighted sums.
        fp: False positives.
        fn: False negatives.
        tn: True negatives.
        beta: Weight of recall against precision in ``f_beta``, above 0.

    Raises:
        OptionError: ``beta`` is not above 0.

    Example:
        >>> float(rates(90, 10, 30, 870).tpr), float(rates(0, 0, 0, 10).iou)
        (0.75, nan)
    """
    if not beta > 0:
        raise OptionError(f"'beta' should be above 0, but is {beta}; 2 favours recall, 0.5 precision.")
    hit, false, missed, rejected = (np.asarray(count, np.float64) for count in (tp, fp, fn, tn))
    gain, cost = (1 + beta**2) * hit, beta**2 * missed + false
    return Rates(
        tpr=ratio(hit, hit + missed),
        fpr=ratio(false, false + rejected),
        precision=ratio(hit, hit + false),
        iou=ratio(hit, hit + false + missed),
        dice=ratio(2 * hit, 2 * hit + false + missed),
        f_beta=ratio(gain, gain + cost),
        specificity=ratio(rejected, false + rejected),
        accuracy=ratio(hit + rejected, hit + false + missed + rejected),
    )


def rate_columns(counts: NDArray[Any], *, beta: float = 1.0) -> NDArray[np.float64]:
    """Rates of counts ``(..., 4)`` (tp, fp, fn, tn) as ``(..., rates)`` in the order of `RATE_NAMES`."""
    tp, fp, fn, tn = np.moveaxis(counts, -1, 0)
    return rates(tp, fp, fn, tn, beta=beta).stacked()


def ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """``part / whole``, NaN where ``whole`` is 0."""
    quotient = np.full(np.broadcast_shapes(np.shape(part), np.shape(whole)), np.nan)
    np.divide(part, whole, out=quotient, where=np.asarray(whole) != 0)
    return quotient
