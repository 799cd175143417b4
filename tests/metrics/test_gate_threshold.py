from __future__ import annotations

import numpy as np
import pytest

from rareseg.metrics.gate_threshold import gate_threshold

SCORES = [0.05, 0.1, 0.3, 0.4, 0.6, 0.9]
HOLDS = [False, False, True, False, True, True]


def f_beta(threshold: float, beta: float) -> float:
    passed = np.array(SCORES) >= threshold
    holds = np.array(HOLDS)
    precision, recall = (holds & passed).sum() / passed.sum(), (holds & passed).sum() / holds.sum()
    return float((1 + beta**2) * precision * recall / (beta**2 * precision + recall))


@pytest.mark.parametrize("beta", [0.25, 1.0, 2.0])
def test_no_threshold_does_better(beta: float) -> None:
    choice = gate_threshold(SCORES, HOLDS, beta=beta)
    best = f_beta(choice.threshold, beta)
    assert all(f_beta(level, beta) <= best + 1e-12 for level in np.linspace(0, 0.89, 300))


def test_a_missed_image_weighs_more_with_a_higher_beta() -> None:
    careful, strict = (gate_threshold(SCORES, HOLDS, beta=beta) for beta in (2.0, 0.25))
    assert careful == (pytest.approx(0.2), 3, 1, 0, 2, "highest F2 on validation")
    assert strict == (pytest.approx(0.5), 2, 0, 1, 3, "highest F0.25 on validation")


@pytest.mark.parametrize(
    ("holds", "reason"), [(True, "every validation image"), (False, "no validation image")]
)
def test_where_nothing_can_be_chosen_every_image_passes(holds: bool, reason: str) -> None:
    choice = gate_threshold(SCORES, [holds] * 6)
    assert choice.threshold == 0
    assert choice.tp + choice.fp == 6
    assert choice.reason.startswith(reason)


def test_a_given_threshold_is_only_counted() -> None:
    assert gate_threshold(SCORES, HOLDS, threshold=0.4)[:5] == (0.4, 2, 1, 1, 2)
