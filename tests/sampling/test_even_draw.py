from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from rareseg.sampling.even_draw import EvenDraw, even_kinds
from rareseg.sampling.uniforms import uniforms


@pytest.fixture
def things():
    """Weights and counts of 300 things with two very unlike classes."""
    rng = np.random.default_rng(1)
    weights = rng.random(300)
    counts = rng.poisson([3, 0.4], (300, 2)) * rng.integers(0, 30, (300, 1))
    weights /= weights.sum()
    mean = weights @ counts
    counts = np.round(counts / mean * 1000).astype(np.int64)
    return weights, counts


def test_in_the_long_run_things_come_by_their_weight(things):
    weights, counts = things
    draw = EvenDraw(weights, counts, tolerance=0.1)
    index = np.arange(40 * draw.period)
    drawn = np.bincount(draw.choose(uniforms(3, index, 1)[:, 0], index), minlength=300)
    # In a period a thing comes once too often or too seldom at most, at either end of its length.
    assert np.abs(drawn - weights * len(index)).max() < 5 * np.sqrt(40 / 2)
    alone = np.bincount(draw.choose(uniforms(4, index, 1)[:, 0], None), minlength=300)
    assert stats.chisquare(alone, weights * len(index)).pvalue > 1e-3


@pytest.mark.parametrize("tolerance", [0.5, 0.1, 0.02])
def test_totals_of_every_period_keep_to_the_tolerance(things, tolerance):
    weights, counts = things
    draw = EvenDraw(weights, counts, tolerance=tolerance)
    assert draw.reached <= tolerance
    index = np.arange(30 * draw.period)
    found = draw.choose(uniforms(5, index, 1)[:, 0], index)
    totals = counts[found].reshape(30, draw.period, 2).sum(axis=1)
    ratio = totals.max(axis=1) / totals.min(axis=1) - 1
    assert ratio.max() <= tolerance
    spread = totals.std(axis=0) / totals.mean(axis=0)
    assert spread == pytest.approx(draw.deviation, rel=0.5)
    # Drawn without the index, periods of this length break the tolerance.
    loose = counts[draw.choose(uniforms(6, index, 1)[:, 0], None)].reshape(30, draw.period, 2).sum(axis=1)
    assert (loose.max(axis=1) / loose.min(axis=1) - 1).max() > tolerance


def test_a_smaller_tolerance_takes_a_longer_period(things):
    periods = [EvenDraw(*things, tolerance=tolerance).period for tolerance in (1.0, 0.1, 0.01)]
    assert periods == sorted(periods)
    assert periods[0] < periods[-1]


def test_every_part_is_visited_once_in_a_period_in_another_order_each_time():
    draw = EvenDraw(np.full(64, 1 / 64), np.ones((64, 2), np.int64), tolerance=0.1)
    assert draw.period == 64
    orders = [draw.choose(np.full(64, 0.5), np.arange(64) + 64 * turn) for turn in range(4)]
    for order in orders:
        assert sorted(order.tolist()) == list(range(64))
        # Any sixteen in a row are spread: none of the quarters of the line is left out.
        assert all(len(set((order[start : start + 16] // 16).tolist())) == 4 for start in range(48))
    assert len({tuple(order.tolist()) for order in orders}) == 4


def test_the_last_number_below_one_finds_the_last_thing():
    draw = EvenDraw(np.full(10, 0.1), np.ones((10, 1), np.int64), tolerance=0.1)
    top = np.full(draw.period, 1 - 2.0**-53)
    assert draw.choose(top, np.arange(draw.period)).max() == 9
    assert draw.choose(top[:1], None).tolist() == [9]


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.25), (0.25, 0.5), (0.1, 0.8), (0.9, 1.0)])
def test_any_stretch_of_indices_is_spread_evenly(low, high):
    values = even_kinds(np.arange(100_000))
    assert values.min() >= 0
    assert values.max() < 1
    off = np.cumsum((values >= low) & (values < high)) - (high - low) * np.arange(1, 100_001)
    # A stretch from i to j is off by the difference of the two.
    assert off.max() - off.min() <= 6
