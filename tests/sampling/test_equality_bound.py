from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from rareseg.sampling.equality_bound import EqualityBound, equality_bound

COUNTS = st.lists(st.lists(st.integers(0, 30), min_size=3, max_size=3), min_size=1, max_size=7)


def best_mixture(counts):
    """Smallest ratio by the programme over mixtures itself: every total between 1 and r."""
    num, num_classes = counts.shape
    found = linprog(
        [0.0] * num + [1.0],
        A_ub=np.block([[-counts.T, np.zeros((num_classes, 1))], [counts.T, -np.ones((num_classes, 1))]]),
        b_ub=[-1.0] * num_classes + [0.0] * num_classes,
    )
    return found.fun if found.status == 0 else np.inf


@settings(max_examples=60, deadline=None)
@given(COUNTS)
def test_the_bound_is_what_the_best_mixture_reaches(rows):
    counts = np.array(rows)
    bound = equality_bound(counts)
    assert bound.holds(counts)
    assert bound.ratio == pytest.approx(best_mixture(counts), rel=1e-6)


@settings(max_examples=30, deadline=None)
@given(COUNTS)
def test_the_proof_stands_in_exact_fractions(rows):
    counts = np.array(rows)
    bound = equality_bound(counts)
    scarce, plenty = ([Fraction(value) for value in values] for values in (bound.scarce, bound.plenty))
    slack = 1 + Fraction(1, 10**9)
    for row in rows:
        least = sum(p * n for p, n in zip(scarce, row, strict=True))
        assert least <= slack * sum(q * n for q, n in zip(plenty, row, strict=True))


def test_background_against_a_class_worked_out_by_hand():
    """No window has more than one cavity in 15 pixels: 14 of background at least, in every mixture."""
    counts = np.array([[14, 1, 0], [140, 1, 0], [20, 0, 5], [100, 0, 0]])
    bound = equality_bound(counts)
    # One part of the first window and a fifth of the third: 18 of background for 1 and 1.
    assert bound.ratio == pytest.approx(18)
    assert bound.plenty == pytest.approx([1, 0, 0])
    assert bound.scarce == pytest.approx([0, 14, 4])


def test_more_windows_than_are_used_at_first():
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 1000, (9000, 3)) * [[100, 1, 1]]
    counts[4321] = [700, 35, 35]
    assert equality_bound(counts).ratio == pytest.approx(best_mixture(counts), rel=1e-6)


def test_a_false_proof_is_not_accepted():
    counts = np.array([[14, 1], [20, 2]])
    right = equality_bound(counts)
    assert right.ratio == pytest.approx(10)
    for scarce, plenty, ratio in (
        ([0.0, 14.0], [1.0, 0.0], 14.0),
        ([0.0, 10.0], [1.0, 0.0], 14.0),
        ([-4.0, 14.0], [1.0, 0.0], 10.0),
        ([0.0, 10.0], [2.0, 0.0], 10.0),
    ):
        assert not EqualityBound(ratio, np.array(scarce), np.array(plenty)).holds(counts)


def test_a_class_in_no_window_is_infinitely_far():
    bound = equality_bound(np.array([[3, 0], [4, 0]]))
    assert np.isinf(bound.ratio)
    assert bound.holds(np.array([[3, 0], [4, 0]]))
    assert not bound.holds(np.array([[3, 1]]))
