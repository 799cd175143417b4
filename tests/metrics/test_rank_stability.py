"""Rankings by seed and over draws of images, against scipy and by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from hit_tables import run
from rareseg.errors import DataError, UnknownNameError
from rareseg.metrics.intervals import group_weights
from rareseg.metrics.rank_stability import rank_stability


def study(scores, num_images=4):
    """Tables of strategies whose crack recall with seed i is ``scores[name][i]`` percent in every image."""
    return {
        name: {seed: run([hit] * num_images) for seed, hit in enumerate(hits) if hit is not None}
        for name, hits in scores.items()
    }


def crack(tables, **options):
    return rank_stability(tables, class_names=["crack"], rates=["tpr"], **options)["tpr"]


def test_winners_agreement_and_ranks_by_hand():
    found = crack(study({"plain": [50, 70, 52], "focal": [60, 60, 60], "dice": [55, 65, 40]}))
    assert found.winners == {0: ("focal",), 1: ("plain",), 2: ("focal",)}
    assert found.agreement == pytest.approx(1 / 3)
    assert list(found.strategies) == ["focal", "plain", "dice"]  # by the mean over seeds
    assert found.strategies["plain"].by_seed == {0: 3.0, 1: 1.0, 2: 2.0}
    # Ranks (plain, focal, dice): 3 1 2, 1 3 2, 2 1 3; sums 6 5 7, mean 6, S = 2; W = 12 * 2 / (9 * 24).
    assert found.concordance == pytest.approx(24 / 216)
    # Discordant pairs of the three: seeds 0-1 all 3, 0-2 one, 1-2 two.
    assert found.mean_tau == pytest.approx((-1 + 1 / 3 - 1 / 3) / 3)


def test_concordance_and_tau_agree_with_scipy_also_with_ties():
    rng = np.random.default_rng(0)
    for _ in range(20):
        scores = rng.integers(10, 15, size=(3, 5))
        found = crack(study({f"s{i}": scores[:, i].tolist() for i in range(5)}))
        taus = [stats.kendalltau(a, b).statistic for a, b in itertools.combinations(scores, 2)]
        assert found.mean_tau == pytest.approx(np.nanmean(taus))
        ranks = np.array([stats.rankdata(-row) for row in scores])
        for number, name in enumerate(f"s{i}" for i in range(5)):
            assert list(found.strategies[name].by_seed.values()) == ranks[:, number].tolist()
        # Friedman's chi-square is W times seeds times (strategies - 1), with the same correction for ties.
        friedman = stats.friedmanchisquare(*scores.T).statistic
        assert found.concordance == pytest.approx(friedman / (3 * 4))


def test_level_winners_are_all_named():
    found = crack(study({"plain": [50, 50], "focal": [50, 40], "dice": [40, 30]}))
    assert found.winners == {0: ("plain", "focal"), 1: ("plain",)}
    assert found.agreement == 1.0
    assert found.strategies["focal"].by_seed[0] == 1.5
    level = crack(study({"plain": [50, 50], "focal": [50, 50]}))
    assert math.isnan(level.concordance) and math.isnan(level.mean_tau)


def test_ranks_over_draws_of_groups_agree_with_a_loop():
    rng = np.random.default_rng(2)
    hits = {name: rng.integers(20, 70, size=(2, 8)) for name in ("a", "b", "c")}
    groups = list("xxyyzzww")
    tables = {name: {seed: run(rows[seed], groups=groups) for seed in (0, 1)} for name, rows in hits.items()}
    found = crack(tables, num_resamples=300, seed=3, interval=0.8)
    ranks, first = [], []
    for drawn in np.concatenate(list(group_weights(4, num_resamples=300, seed=3))):
        weight = np.repeat(drawn, 2)
        scores = [(rows * weight).sum(axis=1).mean() / (100 * weight.sum()) for rows in hits.values()]
        ranks.append(stats.rankdata(-np.array(scores)))
        first.append(np.array(scores) == max(scores))
    for position, name in enumerate(hits):
        column = np.sort(np.array(ranks)[:, position])
        own = found.strategies[name]
        assert (own.low, own.high) == (column[29], column[269])  # the 30th and the 270th of 300
        assert own.share_first == pytest.approx(np.array(first)[:, position].mean())
    assert found.num_groups == 4


def test_low_is_best_for_fpr():
    tables = study({"many": [60, 60], "few": [20, 20]})
    found = rank_stability(tables, class_names=["background"], rates=["fpr", "tpr", "iou"])
    assert found["fpr"].winners == {0: ("many",), 1: ("many",)}  # hits of crack are fewer false background
    assert found["tpr"].winners[0] == ("many", "few")


def test_strategy_that_lacks_a_seed_is_left_out_and_named():
    found = crack(study({"plain": [50, 60, 55], "focal": [60, None, 60], "dice": [40, 50, 45]}))
    assert found.seeds == (0, 1, 2)
    assert found.left_out == {"focal": "lacks seed 1"}
    assert set(found.strategies) == {"plain", "dice"}
    few = crack(study({"plain": [50, 60, 55], "focal": [60, 62, None], "dice": [40, 50, None]}))
    assert few.seeds == (0, 1)  # the third seed is had by one of three only
    assert few.left_out == {} and set(few.strategies) == {"plain", "focal", "dice"}


def test_undefined_rate_leaves_the_strategy_out():
    tables = study({"plain": [50, 60], "focal": [60, 70], "dice": [40, 50]})
    columns = {name: tables["dice"][1][name].copy() for name in tables["dice"][1].column_names()}
    rows = columns["class"] == "crack"
    columns["tp"][rows] = columns["fp"][rows] = 0
    tables["dice"][1] = type(tables["dice"][1]).from_columns(columns)
    found = rank_stability(tables, class_names=["crack"], rates=["precision", "tpr"])
    assert found["precision"].left_out == {"dice": "undefined with seed 1"}
    assert found["tpr"].left_out == {}
    nobody = rank_stability({"dice": tables["dice"]}, class_names=["crack"], rates=["precision"])["precision"]
    assert nobody.strategies == {} and nobody.winners == {} and math.isnan(nobody.agreement)


def test_one_seed_one_group_one_strategy():
    one = crack(study({"plain": [50], "focal": [60]}))
    assert one.winners == {0: ("focal",)}
    assert math.isnan(one.agreement) and math.isnan(one.concordance) and math.isnan(one.mean_tau)
    tables = {"plain": {0: run([50, 60], groups=["g", "g"])}, "focal": {0: run([60, 70], groups=["g", "g"])}}
    own = crack(tables).strategies["focal"]
    assert own.by_seed == {0: 1.0} and math.isnan(own.low) and math.isnan(own.share_first)
    alone = crack(study({"plain": [50, 60]}))
    assert alone.agreement == 1.0 and math.isnan(alone.concordance)


def test_rankings_refuse():
    with pytest.raises(UnknownNameError, match="no rate named 'io'"):
        rank_stability(study({"plain": [50]}), class_names=["crack"], rates=["io"])
    with pytest.raises(UnknownNameError, match="no class named 'sky'"):
        rank_stability(study({"plain": [50]}), class_names=["sky"])
    with pytest.raises(DataError, match="Rankings need seeds that more than half"):
        crack(study({"plain": [50, None], "focal": [None, 50]}))
    with pytest.raises(DataError, match="judged on the same images"):
        crack({"plain": {0: run([1, 2])}, "focal": {0: run([1, 2, 3])}})
