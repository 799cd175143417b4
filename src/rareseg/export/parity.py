"""How near an exported form is to the network that was trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from rareseg.inference.engine import Engine
from rareseg.inference.judge import Judge

__all__ = ["Parity", "compare_engines"]


@dataclass(frozen=True)
class Parity:
    """What two engines make of the same patches.

    Attributes:
        pixels: Pixels that were compared.
        largest_difference: Largest difference of an output.
        other_labels: Pixels with another label.
        not_ties: Those of them whose label is no near tie: moving every class logit by the largest difference would
            not change it.
    """

    pixels: int
    largest_difference: float
    other_labels: int
    not_ties: int


def compare_engines(judge: Judge, other: Engine, patches: Sequence[NDArray[np.generic]]) -> Parity:
    """Compare the outputs and the labels of two engines that hold one network.

    Args:
        judge: With the engine that is right.
        other: The engine in question.
        patches: Raw pixels ``(c, h, w)`` of any sizes.
    """
    pixels = other_labels = not_ties = 0
    largest = 0.0
    for patch in patches:
        batch = torch.from_numpy(np.ascontiguousarray(patch))[None]
        right, found = judge.predictor.engine.run(batch).cpu(), other.run(batch).cpu()
        difference = float((right - found).abs().max())
        largest = max(largest, difference)
        logits = judge.head.class_logits(right)
        labels = judge.decision.labels(logits)
        differs = labels != judge.decision.labels(judge.head.class_logits(found))
        pixels += labels.numel()
        other_labels += int(differs.sum())
        if differs.any():
            not_ties += int((differs & ~_is_near_tie(judge, logits, labels, difference)).sum())
    return Parity(pixels, largest, other_labels, not_ties)


def _is_near_tie(judge: Judge, logits: torch.Tensor, labels: torch.Tensor, difference: float) -> torch.Tensor:
    """Where moving one class by what two logits can be off together changes the label."""
    tie = torch.zeros_like(labels, dtype=torch.bool)
    # Joining sigmoid channels into classes at most doubles a difference; so does a class against another.
    reach = 4 * difference
    for index in range(logits.shape[1]):
        for sign in (reach, -reach):
            moved = logits.clone()
            moved[:, index] += sign
            tie |= judge.decision.labels(moved) != labels
    return tie
