from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from rareseg.sampling import balanced_weights as module
from rareseg.sampling.balanced_weights import balanced_weights
from rareseg.sampling.equality_bound import equality_bound


def random_windows(seed, num=400, num_images=5):
    """Windows of three classes, the last one scarce, spread over images of which two have no scarce class."""
    rng = np.random.default_rng(seed)
    image = np.sort(rng.integers(0, num_images, num))
    image[:num_images] = np.arange(num_images)
    image.sort()
    counts = rng.poisson([30, 20, 4], (num, 3)) * (rng.random((num, 3)) < 0.4)
    counts[image < 2, 2] = 0
    counts[counts.sum(axis=1) == 0, 0] = 1
    return counts, image


@pytest.mark.parametrize("seed", range(4))
def test_totals_are_equal_and_every_image_has_its_part(seed):
    counts, image = random_windows(seed)
    weights = balanced_weights(counts, image, ratio=1.0, image_share=0.25)
    totals = weights @ counts
    assert totals.max() / totals.min() == pytest.approx(1, abs=1e-7)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    shares = np.bincount(image, weights) * 5
    assert shares.min() >= 0.25 - 1e-9
    assert shares.max() <= 4 + 1e-6


def test_no_image_gets_more_than_the_inverse_of_the_smallest_part():
    """The scarce class without the others lies in one image of many, which would get most of the patches."""
    counts = np.array([[5, 1]] * 60 + [[0, 2]] * 60 + [[0, 3]] * 20)
    image = np.concatenate([np.arange(60) % 12, np.full(60, 12), 13 + np.arange(20) % 2])
    free = balanced_weights(counts, image, ratio=1.0, image_share=0.0)
    bounded = balanced_weights(counts, image, ratio=1.0, image_share=0.2)
    assert np.bincount(image, free)[12] * 15 > 5
    assert np.bincount(image, bounded)[12] * 15 <= 5 + 1e-6
    assert bounded @ counts[:, 0] == pytest.approx(bounded @ counts[:, 1])


@pytest.mark.parametrize("first", [3, 40, 10**9])
def test_beginning_with_some_windows_finds_the_best_of_all(first, monkeypatch):
    """The same sum as the whole programme, written out here without columns left aside."""
    monkeypatch.setattr(module, "_FIRST_WINDOWS", first)
    monkeypatch.setattr(module, "_WINDOWS_AT_ONCE", 25)
    counts, image = random_windows(7)
    weights = balanced_weights(counts, image, ratio=1.0, image_share=0.0)
    typical = np.array([np.median(column[column > 0]) for column in counts.T])
    fill = np.minimum(1, (counts / typical).sum(axis=1))
    whole = linprog(
        -np.ones(len(counts)),
        A_eq=np.diff(counts, axis=1).T,
        b_eq=[0, 0],
        bounds=np.column_stack([np.zeros(len(counts)), fill]),
    )
    # Scaled so that the fullest window is as often as it may be, the weights sum to the optimum.
    assert 1 / (weights / fill).max() == pytest.approx(-whole.fun, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), min_size=2, max_size=2), min_size=1, max_size=6))
def test_none_is_found_only_where_none_exists(rows):
    counts = np.array([row for row in rows if any(row)] or [[1, 0]])
    image = np.zeros(len(counts), np.int64)
    weights = balanced_weights(counts, image, ratio=1.0, image_share=0.0)
    assert (weights is None) == (equality_bound(counts).ratio > 1 + 1e-9)
    bound = equality_bound(counts).ratio
    if np.isfinite(bound):
        totals = balanced_weights(counts, image, ratio=bound + 0.01, image_share=0.0) @ counts
        assert totals.max() <= (bound + 0.01) * totals.min() * (1 + 1e-6)


def test_windows_with_a_sliver_are_not_preferred():
    """Typical windows at once a pass; a sliver of a fifth of the pixels a fifth as often."""
    counts = np.array([[10, 0], [10, 0], [2, 0], [0, 10], [0, 10], [0, 2]])
    weights = balanced_weights(counts, np.zeros(6, np.int64), ratio=1.0, image_share=0.0)
    assert weights == pytest.approx(np.array([5, 5, 1, 5, 5, 1]) / 22)
