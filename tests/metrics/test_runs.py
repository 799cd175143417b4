"""Summaries over several runs."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from hit_tables import NAMES, run
from rareseg.errors import DataError, UnknownNameError
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.intervals import group_weights
from rareseg.metrics.runs_summary import summarise_runs


def test_mean_range_and_sd_by_hand():
    background, crack, mean = summarise_runs([run([10, 30]), run([20, 40]), run([30, 80])])
    tpr = crack.pooled["tpr"]
    assert (tpr.mean, tpr.minimum, tpr.maximum) == (pytest.approx(1.05 / 3), 0.2, 0.55)
    assert tpr.sd == pytest.approx(np.std([0.2, 0.3, 0.55], ddof=1))
    assert (tpr.num_runs, tpr.num_groups, tpr.num_classes) == (3, 2, 1)
    assert (background.class_names, crack.class_names, mean.class_names) == (
        ("background",),
        ("crack",),
        NAMES,
    )
    assert mean.pooled["tpr"].mean == pytest.approx((background.pooled["tpr"].mean + tpr.mean) / 2)
    assert mean.pooled["tpr"].num_classes == 2
    only = summarise_runs([run([10, 30])], leave_out=["background"])
    assert only[-1].class_names == ("crack",)
    assert math.isnan(only[-1].pooled["tpr"].sd)


def test_interval_counts_groups_by_bootstrap_and_runs_by_students_t():
    """Both ends are where a mixture of t distributions, one around each plain draw of groups, has its share."""
    generator = np.random.default_rng(0)
    hits = generator.integers(40, 70, size=(3, 6))
    tables = [run(row, groups=list("aabbcc")) for row in hits]
    found = summarise_runs(tables, num_resamples=150, seed=2, interval=0.8)[1]
    recalls = hits.sum(axis=1) / 600
    draws = []
    for drawn in np.concatenate(list(group_weights(3, num_resamples=150, seed=2))):
        weight = np.repeat(drawn, 2)
        draws.append(((hits * weight).sum(axis=1) / (100 * weight.sum())).mean())
    stretched = recalls.mean() + np.sqrt(3 / 2) * (np.array(draws) - recalls.mean())
    error = recalls.std(ddof=1) / np.sqrt(3)
    for tpr in (found.pooled["tpr"], found.mean_over_images["tpr"]):  # equal support: both means agree
        shares = [
            scipy.stats.t.cdf(end, df=2, loc=stretched, scale=error).mean() for end in (tpr.low, tpr.high)
        ]
        assert shares == pytest.approx([0.1, 0.9], abs=1e-6)


def test_an_interval_of_a_rate_ends_at_0_and_1():
    tpr = summarise_runs([run([0, 0]), run([1, 0]), run([99, 100])])[1].pooled["tpr"]
    assert (tpr.low, tpr.high) == (0, 1)


def test_seeds_widen_the_interval():
    hits = np.random.default_rng(1).integers(40, 60, size=20)
    alike = summarise_runs([run(hits)] * 3)[1].pooled["tpr"]
    unlike = summarise_runs([run(hits - 30), run(hits), run(hits + 30)])[1].pooled["tpr"]
    assert unlike.high - unlike.low > 2 * (alike.high - alike.low)


def test_rate_undefined_in_one_run():
    silent = CountsTable()
    for index in range(2):
        counts = [[900, 50, 0, 0], [0, 0, 50, 900]]
        silent.append(step=1, split="test", image=f"i{index}", group="", counts=counts, class_names=NAMES)
    _, crack, mean = summarise_runs([silent, run([50, 60])])
    assert crack.pooled["precision"].num_runs == 1
    assert crack.pooled["precision"].mean == pytest.approx(110 / 130)
    assert math.isnan(crack.pooled["precision"].sd)
    assert (crack.pooled["tpr"].num_runs, crack.pooled["tpr"].minimum) == (2, 0.0)
    assert (mean.pooled["precision"].num_runs, mean.pooled["precision"].num_classes) == (1, 2)


def test_folds_with_different_groups():
    first, second = run([10, 30], groups=["a", "b"]), CountsTable()
    for index, hit in enumerate([50, 70]):
        counts = [[800, 100 - hit, 10, hit], [hit, 10, 100 - hit, 800]]
        second.append(
            step=1, split="test", image=f"j{index}", group="cd"[index], counts=counts, class_names=NAMES
        )
    tpr = summarise_runs([first, second])[1].pooled["tpr"]
    assert (tpr.mean, tpr.num_groups) == (pytest.approx(0.4), 4)


def test_one_group_has_no_interval():
    tpr = summarise_runs([run([10, 20], groups=["a", "a"]), run([30, 40], groups=["a", "a"])])[1].pooled[
        "tpr"
    ]
    assert math.isnan(tpr.low)
    assert tpr.num_groups == 1


def test_runs_refuse():
    with pytest.raises(DataError, match="At least one run's table was expected"):
        summarise_runs([])
    with pytest.raises(DataError, match=r"run 1 has \('background', 'dent'\)"):
        summarise_runs([run([1, 2]), run([1, 2], class_names=("background", "dent"))])
    with pytest.raises(UnknownNameError, match="no class named 'sky'"):
        summarise_runs([run([1, 2])], leave_out=["sky"])
