"""The 256 bins in which scores are kept: uniform in logit, so that rare-class scores near 0 stay apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import DataError

__all__ = ["BINS_PER_LOGIT", "MAX_LOGIT", "NUM_BINS", "bin_edges", "bin_index", "bin_logits", "nearest_edge"]

NUM_BINS = 256
MAX_LOGIT = 12.8
"""Bins reach from -12.8 to 12.8 (probability 2.8e-6 to 1 - 2.8e-6); the outer two also take the rest."""
BINS_PER_LOGIT = 10
"""So each bin is 0.1 wide, and probability 0.5 is exactly the lower edge of bin 128."""


def bin_edges() -> NDArray[np.float64]:
    """Probabilities ``(257,)`` that bound the bins, from 0 to 1; bin i holds ``edge[i] <= p < edge[i+1]``.

    Example:
        >>> edges = bin_edges()
        >>> float(edges[0]), float(edges[128]), float(edges[256])
        (0.0, 0.5, 1.0)
    """
    logits = (np.arange(NUM_BINS + 1) - NUM_BINS // 2) / BINS_PER_LOGIT
    edges = 1 / (1 + np.exp(-logits))
    edges[0], edges[-1] = 0.0, 1.0
    return edges


def bin_index(probabilities: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Bin of each probability; 0 lies in bin 0 and 1 in bin 255.

    Raises:
        DataError: A probability is NaN or not within 0 to 1.

    Example:
        >>> bin_index(np.array([0.0, 0.4999, 0.5, 1.0])).tolist()
        [0, 127, 128, 255]
    """
    # Half precision would move scores across edges; single and double are kept as they are.
    values = np.asarray(probabilities, np.result_type(np.asarray(probabilities).dtype, np.float32))
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = np.asarray(1 - values)
        np.divide(values, odds, out=odds)
        return bin_logits(np.log(odds, out=odds))


def bin_logits(logits: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Bin of each logit ``log(p / (1 - p))``; minus infinity lies in bin 0, infinity in bin 255.

    Raises:
        DataError: A logit is NaN.

    Example:
        >>> bin_logits(np.array([-np.inf, -12.75, 0.0, 0.05, 12.75])).tolist()
        [0, 0, 128, 128, 255]
    """
    values = np.asarray(logits, np.result_type(np.asarray(logits).dtype, np.float32))
    position = np.asarray(values * values.dtype.type(BINS_PER_LOGIT))
    position += NUM_BINS // 2
    np.clip(position, 0, NUM_BINS - 1, out=position)
    if np.isnan(position.sum()):
        raise DataError("Scores should be numbers (probabilities 0 to 1), but some are NaN; check the model.")
    # Positions are not negative after the cut, so that the conversion rounds down.
    return position.astype(np.uint8)


def nearest_edge(threshold: float) -> int:
    """Number (0 to 255) of the edge nearest to a threshold; a score at or above the edge is positive.

    Example:
        >>> nearest_edge(0.5), nearest_edge(0.0)
        (128, 0)
    """
    if threshold <= 0:
        return 0
    if threshold >= 1:
        return NUM_BINS - 1
    position = round(np.log(threshold / (1 - threshold)) * BINS_PER_LOGIT) + NUM_BINS // 2
    return int(np.clip(position, 0, NUM_BINS - 1))
