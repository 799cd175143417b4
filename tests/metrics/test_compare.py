"""Differences of two strategies over the same groups and runs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hit_tables import NAMES, run
from rareseg.errors import DataError, UnknownNameError
from rareseg.metrics.compare import paired_difference
from rareseg.metrics.compare_all import compare_all
from rareseg.metrics.intervals import group_weights
from rareseg.metrics.run_spread import RunSpread
from rareseg.metrics.runs_summary import summarise_runs


def test_only_the_spread_of_the_pairs_counts():
    """Images are hard or easy, but A is 8, 9 and 10 points better in all: the t interval by hand."""
    hard = np.random.default_rng(3).integers(10, 80, size=25)
    a, b = [run(hard + 8), run(hard + 10), run(hard + 12)], [run(hard), run(hard + 1), run(hard + 2)]
    (crack,) = paired_difference(a, b, rate="tpr", class_names=["crack"])
    assert crack.difference == pytest.approx(0.09)
    half = 4.30265 * 0.01 / math.sqrt(3)  # t of two degrees of freedom
    assert (crack.low, crack.high) == pytest.approx((0.09 - half, 0.09 + half), abs=1e-5)
    # Chance that t stays above -0.09 / 0.0057735; for two degrees of freedom it is closed.
    x = 0.09 / (0.01 / math.sqrt(3))
    assert crack.probability_better == pytest.approx(0.5 + x / (2 * math.sqrt(2 + x**2)), abs=1e-6)
    alone = summarise_runs(a)[1].pooled["tpr"]
    assert alone.high - alone.low > 2 * (crack.high - crack.low)


def test_sides_are_opposite_and_fpr_is_better_when_low():
    a, b = [run([50, 60, 70])], [run([55, 60, 50])]
    forth = paired_difference(a, b, rate="iou")
    back = paired_difference(b, a, rate="iou")
    assert [item.class_names for item in forth] == [("background",), ("crack",), NAMES]
    for one, other in zip(forth, back, strict=True):
        assert one.difference == pytest.approx(-other.difference)
        assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
        assert one.probability_better + other.probability_better == pytest.approx(1)
    assert forth[2].difference == pytest.approx((forth[0].difference + forth[1].difference) / 2)
    false = paired_difference(a, b, rate="fpr", class_names=["background"])[0]
    assert false.difference < 0  # more hits of crack are fewer false background pixels
    assert false.probability_better > 0.5


def test_no_difference_is_a_coin_toss():
    same = [run([50, 60, 70])]
    result = paired_difference(same, same, averaging="images")[1]
    assert (result.difference, result.low, result.high, result.probability_better) == (0, 0, 0, 0.5)
    assert result.averaging == "images"


def test_different_numbers_of_runs_spread_for_themselves():
    a, b = [run([50] * 2), run([52] * 2), run([57] * 2)], [run([40] * 2), run([42] * 2)]
    (result,) = paired_difference(a, b, rate="tpr", class_names=["crack"])
    assert result.difference == pytest.approx(0.53 - 0.41)
    assert result.num_runs == (3, 2)
    own, other = 0.0013 / 3, 0.0002 / 2  # variances 13e-4 and 2e-4 of the means
    freedom = (own + other) ** 2 / (own**2 / 2 + other**2)
    expected = RunSpread(0.12, np.array([0.12]), 2, error=math.sqrt(own + other), freedom=freedom)
    assert (result.low, result.high) == pytest.approx(expected.interval(0.95))
    assert 2 < freedom < 3


def test_one_run_leaves_the_groups_alone():
    """A plain loop over the draws of groups, stretched by what n of n draws spread too little."""
    hits = np.random.default_rng(0).integers(10, 90, size=(2, 6))
    groups = list("aabbcc")
    (found,) = paired_difference(
        [run(hits[0], groups=groups)],
        [run(hits[1], groups=groups)],
        rate="tpr",
        class_names=["crack"],
        num_resamples=200,
        seed=4,
    )
    samples = []
    for drawn in np.concatenate(list(group_weights(3, num_resamples=200, seed=4))):
        weight = np.repeat(drawn, 2)
        samples.append(((hits[0] - hits[1]) * weight).sum() / (100 * weight.sum()))
    centre = (hits[0] - hits[1]).sum() / 600
    stretched = centre + math.sqrt(3 / 2) * (np.array(samples) - centre)
    assert found.difference == pytest.approx(centre)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(stretched, [0.025, 0.975])))
    assert found.probability_better == pytest.approx((stretched > 0).mean())


def test_groups_and_runs_together_agree_with_random_draws():
    """The mixture's ends and chance against a million draws of both parts."""
    rng = np.random.default_rng(1)
    samples = rng.gamma(2.0, 0.02, size=300) - 0.02
    spread = RunSpread(0.02, samples, 10, error=0.015, freedom=2)
    draws = 0.02 + math.sqrt(10 / 9) * (rng.choice(samples, 10**6) - 0.02)
    both = draws + 0.015 * rng.standard_t(2, size=10**6)
    assert spread.interval(0.9) == pytest.approx(tuple(np.quantile(both, [0.05, 0.95])), abs=5e-4)
    assert spread.share_above_zero() == pytest.approx((both > 0).mean(), abs=2e-3)


def test_intervals_hold_what_they_say():
    """Three runs, ten groups: 200 made-up studies; drawing three runs with replacement held 0.84 of them."""
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(200):
        hard, by_group = rng.normal(500, 100, size=10), rng.normal(0, 40, size=10)
        sides = [
            [
                run((hard + sign * (25 + by_group / 2) + rng.normal(0, 25)).round().astype(int) // 10)
                for _ in range(3)
            ]
            for sign in (1, -1)
        ]
        (found,) = paired_difference(*sides, rate="tpr", class_names=["crack"], num_resamples=200)
        held += found.low <= 0.05 <= found.high
    assert 0.90 <= held / 200 <= 0.99


def test_undefined_in_one_run_leaves_it_out():
    silent = run([0, 0], class_names=NAMES)
    columns = {name: silent[name].copy() for name in silent.column_names()}
    columns["fp"][:] = 0  # nothing is predicted as crack, so that its precision is undefined
    columns["tn"][:] = 810
    silent = type(silent).from_columns(columns)
    a, b = [run([50, 60]), silent], [run([40, 50]), run([41, 52])]
    (found,) = paired_difference(a, b, rate="precision", class_names=["crack"])
    assert found.difference == pytest.approx(110 / 130 - 90 / 110)


def test_difference_refuses():
    a = [run([1, 2])]
    with pytest.raises(UnknownNameError, match=r"no rate named 'recal'"):
        paired_difference(a, a, rate="recal")
    with pytest.raises(UnknownNameError, match="no class named 'dent'"):
        paired_difference(a, a, class_names=["dent"])
    with pytest.raises(DataError, match="'i2' is not alike in both"):
        paired_difference(a, [run([1, 2, 3])])
    with pytest.raises(DataError, match="should have the same classes"):
        paired_difference(a, [run([1, 2], class_names=("background", "dent"))])


def test_all_pairs_agree_with_one_pair():
    rng = np.random.default_rng(5)
    tables = {
        name: {seed: run(rng.integers(20 + shift, 60 + shift, size=6)) for seed in seeds}
        for name, shift, seeds in (("plain", 0, (0, 1, 2)), ("focal", 20, (0, 1, 2)), ("dice", 10, (1, 2)))
    }
    found = compare_all(
        tables,
        pairs=[("focal", "plain"), ("dice", "plain"), ("plain", "focal")],
        choices=[("crack",), NAMES],
        rates=("iou", "fpr"),
    )
    for (name, other), seeds in {("focal", "plain"): (0, 1, 2), ("dice", "plain"): (1, 2)}.items():
        sides = [[tables[side][seed] for seed in seeds] for side in (name, other)]
        for rate in ("iou", "fpr"):
            expected = paired_difference(*sides, rate=rate)[1:]
            assert [item[rate] for item in found[name, other]] == expected
    forth, back = found["focal", "plain"][0]["iou"], found["plain", "focal"][0]["iou"]
    mirrored = forth.mirrored()
    assert (mirrored.low, mirrored.high) == pytest.approx((back.low, back.high))
    assert mirrored.probability_better == pytest.approx(back.probability_better)


def test_pairs_without_a_shared_seed_and_unknown_names():
    tables = {"plain": {0: run([50, 60]), 1: run([52, 61])}, "focal": {2: run([70, 75]), 3: run([71, 70])}}
    (crack,) = compare_all(tables, pairs=[("focal", "plain")], choices=[("crack",)])["focal", "plain"]
    assert crack["iou"].num_runs == (2, 2)
    with pytest.raises(UnknownNameError, match="no strategy named 'focl'"):
        compare_all(tables, pairs=[("focl", "plain")], choices=[("crack",)])
    with pytest.raises(UnknownNameError, match="no rate named 'io'"):
        compare_all(tables, pairs=[("focal", "plain")], choices=[("crack",)], rates=["io"])
