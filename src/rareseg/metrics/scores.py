"""Histograms of scores: what curves and thresholds are a function of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import DataError, SizeMismatchError
from rareseg.metrics.bins import NUM_BINS, bin_index, bin_logits
from rareseg.metrics.byte_histogram import byte_histogram
from rareseg.types import IGNORE_INDEX

__all__ = ["ScoreHistogram"]

# Pixels handled at once: keeps what lies between logits and bins inside the caches.
_BLOCK = 1 << 15


class ScoreHistogram:
    """Scores of each class against the rest, counted in the 256 bins of `bin_edges`.

    Fill one for each image, then hand ``positives`` and ``negatives`` to `ScoreTable.append`.

    Args:
        num_classes: Number of classes k.

    Example:
        >>> histogram = ScoreHistogram(2)
        >>> histogram.add(np.array([[0, 1]]), np.array([[[0.9, 0.2]], [[0.1, 0.8]]]))
        >>> histogram.positives.sum(axis=1).tolist(), histogram.negatives.sum(axis=1).tolist()
        ([1, 1], [1, 1])
    """

    def __init__(self, num_classes: int) -> None:
        self.positives: NDArray[np.int64] = np.zeros((num_classes, NUM_BINS), np.int64)
        """``(k, 256)``: pixels of the class by the bin of their score."""
        self.negatives: NDArray[np.int64] = np.zeros((num_classes, NUM_BINS), np.int64)
        """``(k, 256)``: pixels of all other classes."""

    def add(self, target: NDArray[Any], probabilities: NDArray[np.floating]) -> None:
        """Count probabilities ``(k, ...)`` in 0 to 1 of the pixels of ``target (...)``, save ignored ones.

        Raises:
            SizeMismatchError: The shapes do not fit together.
            DataError: A probability is NaN or outside 0 to 1, or a target is not a class index.
        """
        probabilities = np.asarray(probabilities)
        bins = np.empty(probabilities.shape, np.uint8)
        for index, probability in enumerate(probabilities):
            bins[index] = bin_index(probability)
        self.add_bins(target, bins)

    def add_logits(self, target: NDArray[Any], logits: NDArray[np.floating]) -> None:
        """Count a softmax model's logits ``(k, ...)`` without the way over probabilities.

        The score of a class is the logit of its softmax probability: its logit minus the log of the sum of
        the others' exponentials, which keeps digits that a float32 probability near 1 has lost.

        Raises:
            SizeMismatchError: The shapes do not fit together.
            DataError: A logit is NaN, or a target is not a class index.
        """
        self.add_bins(target, _softmax_bins(np.asarray(logits)))

    def add_bins(self, target: NDArray[Any], bins: NDArray[np.uint8]) -> None:
        """Count scores ``(k, ...)`` that are binned already, as `score_bins` does on the device.

        Raises:
            SizeMismatchError: The shapes do not fit together.
            DataError: A target is not a class index.
        """
        target, num_classes = np.asarray(target), len(self.positives)
        if bins.shape != (num_classes, *target.shape):
            raise SizeMismatchError(
                f"Scores of the shape {(num_classes, *target.shape)} were expected, one map a class, but "
                f"{bins.shape} came; give (classes, height, width) for a target (height, width)."
            )
        labels, scores = target.reshape(-1), np.ascontiguousarray(bins).reshape(num_classes, -1)
        counted = labels != IGNORE_INDEX
        ignored = not counted.all()
        labels = labels[counted] if ignored else labels
        if labels.size and not 0 <= labels.min() <= labels.max() < num_classes:
            wrong = labels.min() if labels.min() < 0 else labels.max()
            raise DataError(
                f"'target' should hold class indices 0 to {num_classes - 1} or {IGNORE_INDEX}, but holds "
                f"{wrong}; map that value to a class or to {IGNORE_INDEX}."
            )
        for index, score in enumerate(scores):
            kept = score[counted] if ignored else score
            positives, negatives = _split_histogram(kept, labels == index)
            self.positives[index] += positives
            self.negatives[index] += negatives


def _split_histogram(
    scores: NDArray[np.uint8], positive: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Histograms of positives and negatives: the smaller part is counted, the larger is what remains."""
    both = byte_histogram(scores)
    if 2 * np.count_nonzero(positive) <= scores.size:
        part = byte_histogram(scores[positive])
        return part, both - part
    part = byte_histogram(scores[~positive])
    return both - part, part


def _softmax_bins(logits: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Bins ``(k, ...)`` of softmax scores, computed in float32."""
    num_classes = logits.shape[0]
    flat = logits.reshape(num_classes, -1)
    bins = np.empty(flat.shape, np.uint8)
    for start in range(0, flat.shape[1], _BLOCK):
        part = slice(start, start + _BLOCK)
        shifted = flat[:, part].astype(np.float32)
        shifted -= shifted.max(axis=0)
        rest = np.exp(shifted)
        low = rest < 1
        num_top = num_classes - low.sum(axis=0, dtype=np.float32)
        # The largest class is left out of the sum before, not subtracted after: next to its 1 the others
        # would lose their digits, and with them every score near 1.
        others = (rest * low).sum(axis=0)
        rest = np.where(low, num_top + others - rest, num_top - 1 + others)
        with np.errstate(divide="ignore"):
            shifted -= np.log(rest, out=rest)
        bins[:, part] = bin_logits(shifted)
    return bins.reshape(logits.shape)
