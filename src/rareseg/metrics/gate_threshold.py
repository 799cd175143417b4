"""The threshold of an image gate, from the scores of validation images."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["GateChoice", "gate_threshold"]


class GateChoice(NamedTuple):
    """A threshold and what it does on the images it was chosen on (images, not pixels)."""

    threshold: float
    tp: int
    fp: int
    fn: int
    tn: int
    reason: str


def gate_threshold(
    scores: ArrayLike, holds: ArrayLike, *, beta: float = 2.0, threshold: float | None = None
) -> GateChoice:
    """Choose the threshold with the highest F-beta; images with a score of at least the threshold pass.

    Candidates lie midway between neighbouring scores, so that a slightly different score does not flip an image that
    decided; of equally good ones the lowest is taken, which skips fewer images. Where all images hold a defect, or
    none does, nothing can be chosen: the threshold is 0 and every image passes.

    Args:
        scores: ``(n,)`` gate scores.
        holds: ``(n,)`` whether the image holds anything but background.
        beta: Above 1, a missed image weighs more than a false alarm.
        threshold: Given, not chosen; only counted.

    Example:
        >>> gate_threshold([0.1, 0.2, 0.8, 0.9], [False, True, False, True], beta=2.0).threshold
        0.15000000000000002
    """
    score, truth = np.asarray(scores, dtype=float), np.asarray(holds, dtype=bool)
    if threshold is not None:
        return _count(score, truth, threshold, "given in the recipe")
    if truth.all() or not truth.any():
        reason = (
            "every validation image holds a defect" if truth.all() else "no validation image holds a defect"
        )
        return _count(score, truth, 0.0, f"{reason}, so nothing can be chosen: every image passes")
    levels = np.unique(score)
    candidates = np.concatenate([[0.0], (levels[1:] + levels[:-1]) / 2])
    choices = [_count(score, truth, float(level), f"highest F{beta:g} on validation") for level in candidates]
    return max(choices, key=lambda choice: (_f_beta(choice, beta), -choice.threshold))


def _count(score: np.ndarray, truth: np.ndarray, threshold: float, reason: str) -> GateChoice:
    passed = score >= threshold
    pairs = ((passed & truth), (passed & ~truth), (~passed & truth), (~passed & ~truth))
    tp, fp, fn, tn = (int(np.count_nonzero(pair)) for pair in pairs)
    return GateChoice(threshold, tp, fp, fn, tn, reason)


def _f_beta(choice: GateChoice, beta: float) -> float:
    weight = beta**2
    return (1 + weight) * choice.tp / ((1 + weight) * choice.tp + weight * choice.fn + choice.fp)
