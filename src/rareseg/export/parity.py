"""How near an exported form is to the network that was trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from rareseg.inference.engine import Engine
from rareseg.inference.gate import GateScorer
from rareseg.inference.judge import Judge
from rareseg.inference.predictor import Predictor
from rareseg.types import Window

__all__ = ["TOLERANCE", "Parity", "compare_engines"]

TOLERANCE = 1e-4
"""Largest difference that is taken for rounding, as a share of the largest output, which counts as 1 at least.

Float32 keeps 24 bits: sums of thousands of products in another order differ by 1e-6 to 1e-5 of the largest output.
Weights or sums in bfloat16, float16 or TF32 differ by 1e-3 and more. Within the tolerance the same decision gives a
pixel another label only where two classes, or a probability and its threshold, are that close.
"""


@dataclass(frozen=True)
class Parity:
    """What two engines make of the same patches.

    Attributes:
        pixels: Pixels that were compared.
        largest_difference: Largest difference of an output, or of a gate's score; infinite where one is not finite.
        largest_output: Largest absolute output of the engine that is right.
        other_labels: Pixels with another label.
        not_ties: Those of them whose label is no near tie: moving every class logit by the largest difference would
            not change it.
    """

    pixels: int
    largest_difference: float
    largest_output: float
    other_labels: int
    not_ties: int

    @property
    def holds(self) -> bool:
        """Whether the differences are no more than rounding, and other labels no more than ties."""
        limit = TOLERANCE * max(1.0, self.largest_output)
        return self.largest_difference <= limit and not self.not_ties


def compare_engines(judge: Judge, other: Engine, patches: Sequence[NDArray[np.generic]]) -> Parity:
    """Compare the outputs, the labels and the gate's scores of two engines that hold one network.

    Args:
        judge: With the engine that is right.
        other: The engine in question.
        patches: Raw pixels ``(c, h, w)`` of any sizes.
    """
    pixels = other_labels = not_ties = 0
    largest = output = 0.0
    for patch in patches:
        batch = torch.from_numpy(np.require(patch, requirements=["C", "W"]))[None]
        right, found = judge.predictor.engine.run(batch).cpu(), other.run(batch).cpu()
        # The greater of 0 and NaN depends on their order; what is not finite must not pass for equal.
        difference = float((right - found).abs().nan_to_num(nan=torch.inf).max())
        largest = max(largest, difference, _gate_difference(judge, other, patch))
        output = max(output, float(right.abs().max()))
        logits = judge.head.class_logits(right)
        labels = judge.decision.labels(logits)
        differs = labels != judge.decision.labels(judge.head.class_logits(found))
        pixels += labels.numel()
        other_labels += int(differs.sum())
        if differs.any():
            not_ties += int((differs & ~_is_near_tie(judge, logits, labels, difference)).sum())
    return Parity(pixels, largest, output, other_labels, not_ties)


def _gate_difference(judge: Judge, other: Engine, patch: NDArray[np.generic]) -> float:
    """How far the gate's scores of an image are apart; 0 without a gate."""
    if judge.gate is None:
        return 0.0

    def read(window: Window) -> NDArray[np.generic]:
        return patch[:, *window.slices]

    scorer = judge.gate.scorer
    theirs = GateScorer(Predictor(other), scorer.module, scorer.patch_size)
    scores = [one.score(read, *patch.shape[1:]) for one in (scorer, theirs)]
    return float(np.nan_to_num(abs(scores[0] - scores[1]), nan=np.inf))


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
