"""Curves, average precision and thresholds from score histograms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rareseg.metrics.bins import bin_edges, nearest_edge
from rareseg.metrics.rates import Rates, rates

__all__ = [
    "AveragePrecision",
    "BestThreshold",
    "Curve",
    "average_precision",
    "best_threshold",
    "counts_at",
    "score_curve",
]


@dataclass(frozen=True)
class Curve:
    """Rates at every threshold from high to low: precision over tpr, and tpr over fpr (ROC)."""

    thresholds: NDArray[np.float64]
    """``(256,)`` probabilities, falling; a score at or above one is positive."""
    counts: NDArray[np.int64]
    """``(256, 4)``: tp, fp, fn, tn."""
    rates: Rates
    """Arrays ``(256,)``."""


@dataclass(frozen=True)
class AveragePrecision:
    """Area under precision over recall, and the bounds that the order inside the bins leaves open."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class BestThreshold:
    """The threshold at which F-beta is highest, on a bin edge."""

    threshold: float
    f_beta: float
    counts: NDArray[np.int64]
    """tp, fp, fn, tn at this threshold."""


def counts_at(
    positives: NDArray[np.integer], negatives: NDArray[np.integer], threshold: float
) -> NDArray[np.int64]:
    """Counts that calling every score at or above ``threshold`` positive would give.

    The threshold is moved to the nearest bin edge (at most 0.05 in logit); there the counts are exact.

    Args:
        positives: ``(..., 256)`` histogram of the class's pixels.
        negatives: ``(..., 256)`` histogram of the others.
        threshold: Probability.

    Returns:
        ``(..., 4)``: tp, fp, fn, tn.

    Example:
        >>> positives, negatives = np.zeros(256, int), np.zeros(256, int)
        >>> positives[[100, 200]], negatives[[0, 150]] = (1, 4), (90, 5)
        >>> counts_at(positives, negatives, 0.5).tolist()
        [4, 5, 1, 90]
    """
    edge = nearest_edge(threshold)
    tp, fp = positives[..., edge:].sum(axis=-1), negatives[..., edge:].sum(axis=-1)
    fn, tn = positives[..., :edge].sum(axis=-1), negatives[..., :edge].sum(axis=-1)
    return np.stack([tp, fp, fn, tn], axis=-1).astype(np.int64)


def score_curve(
    positives: NDArray[np.integer], negatives: NDArray[np.integer], *, beta: float = 1.0
) -> Curve:
    """Precision-recall and ROC curve of one class: the rates at each of the 256 lower bin edges.

    Args:
        positives: ``(256,)`` histogram of the class's pixels.
        negatives: ``(256,)`` histogram of the others.
        beta: Weight of recall in ``f_beta``.

    Example:
        >>> positives, negatives = np.zeros(256, int), np.zeros(256, int)
        >>> positives[200], negatives[50] = 10, 990
        >>> curve = score_curve(positives, negatives)
        >>> float(curve.rates.tpr[-1]), float(curve.rates.precision[-1])
        (1.0, 0.01)
    """
    tp, fp = np.cumsum(positives[::-1]), np.cumsum(negatives[::-1])
    counts = np.stack([tp, fp, tp[-1] - tp, fp[-1] - fp], axis=1).astype(np.int64)
    return Curve(bin_edges()[-2::-1], counts, rates(*counts.T, beta=beta))


def average_precision(positives: NDArray[np.integer], negatives: NDArray[np.integer]) -> AveragePrecision:
    """Mean precision at the rank of each positive pixel (AP), from histograms.

    Inside a bin the order of positives and negatives is not known. ``low`` puts all negatives of a bin
    first, ``high`` all positives, so the AP of the scores themselves lies between them for certain;
    ``value`` assumes that they are mixed evenly. NaN without positives.

    Args:
        positives: ``(256,)`` histogram of the class's pixels.
        negatives: ``(256,)`` histogram of the others.

    Example:
        >>> positives, negatives = np.zeros(256, int), np.zeros(256, int)
        >>> positives[[250, 100]], negatives[150] = (1, 1), 2
        >>> average_precision(positives, negatives).value
        0.75
    """
    own, other = positives[::-1].astype(np.float64), negatives[::-1].astype(np.float64)
    hits, false = np.cumsum(own) - own, np.cumsum(other) - other
    total = own.sum()
    if not total:
        return AveragePrecision(np.nan, np.nan, np.nan)
    low = _precision_sums(hits, false + other, own).sum() / total
    high = _precision_sums(hits, false, own).sum() / total
    # Evenly mixed, the j-th of a positives has seen j / (a + 1) of the bin's negatives. Its precision
    # (T + j) / (T + F + j (1 + s)) with s = b / (a + 1) is 1 / (1 + s) times that of a shifted start.
    share = 1 + other / (own + 1)
    start = (hits + false) / share
    value = (_precision_sums(hits, start - hits, own) / share).sum() / total
    return AveragePrecision(float(value), float(low), float(high))


def best_threshold(
    positives: NDArray[np.integer], negatives: NDArray[np.integer], *, beta: float = 1.0
) -> BestThreshold:
    """Threshold of the highest F-beta on a validation split; the highest such threshold where several tie.

    NaN without positives.

    Args:
        positives: ``(256,)`` histogram of the class's pixels.
        negatives: ``(256,)`` histogram of the others.
        beta: 2 values recall over precision, 0.5 the reverse.

    Example:
        >>> positives, negatives = np.zeros(256, int), np.zeros(256, int)
        >>> positives[160], negatives[100] = 10, 90
        >>> best = best_threshold(positives, negatives)
        >>> round(best.threshold, 3), best.f_beta
        (0.961, 1.0)
    """
    curve = score_curve(positives, negatives, beta=beta)
    f_beta = curve.rates.f_beta
    if not positives.sum():
        return BestThreshold(np.nan, np.nan, curve.counts[0])
    best = int(np.nanargmax(f_beta))
    return BestThreshold(float(curve.thresholds[best]), float(f_beta[best]), curve.counts[best])


def _precision_sums(
    hits: NDArray[np.float64], false: NDArray[np.float64], own: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sum over j = 1..own of (hits + j) / (hits + false + j), in closed form; ``false`` may be fractional."""
    from scipy.special import digamma

    rank = hits + false + 1
    exact = digamma(rank + own) - digamma(rank)
    # digamma(x) is log(x - 1/2) up to 1 / (24 (x - 1/2)^2); as one log1p the difference of two nearly equal
    # values keeps its digits where negatives outnumber the positives a millionfold.
    first, last = rank - 0.5, rank + own - 0.5
    smooth = np.log1p(own / first) + (last**-2.0 - first**-2.0) / 24
    sums: NDArray[np.float64] = own - false * np.where(rank > 1000, smooth, exact)
    return sums
