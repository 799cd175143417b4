"""Several runs together: summaries over seeds, paired differences and stability."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rareseg.errors import DataError, UnknownNameError
from rareseg.metrics.compare import paired_difference
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.intervals import group_weights
from rareseg.metrics.runs_summary import summarise_runs
from rareseg.metrics.stability import stability_over_runs, stability_over_steps

NAMES = ("background", "crack")


def run(hits, *, groups=None, class_names=NAMES, step=1):
    """A table whose crack recall in image i is ``hits[i] / 100``."""
    table = CountsTable()
    for index, hit in enumerate(hits):
        table.append(
            step=step,
            split="test",
            image=f"i{index}",
            group=groups[index] if groups else "",
            counts=[[800, 100 - hit, 10, hit], [hit, 10, 100 - hit, 800]],
            class_names=class_names,
        )
    return table


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


def test_interval_equals_a_plain_loop_over_runs_and_groups():
    generator = np.random.default_rng(0)
    hits = generator.integers(10, 90, size=(3, 6))
    groups = list("aabbcc")
    tables = [run(row, groups=groups) for row in hits]
    found = summarise_runs(tables, num_resamples=150, seed=2)[1]
    of_groups = np.concatenate(list(group_weights(3, num_resamples=150, seed=2)))
    of_runs = np.concatenate(list(group_weights(3, num_resamples=150, seed=2, stream=1)))
    assert (of_groups != of_runs).any()
    samples = []
    for drawn_groups, drawn_runs in zip(of_groups, of_runs, strict=True):
        weight = np.repeat(drawn_groups, 2)
        recalls = [(row * weight).sum() / (100 * weight.sum()) for row in hits]
        samples.append((recalls * drawn_runs).sum() / drawn_runs.sum())
    expected = np.quantile(samples, [0.025, 0.975])
    for tpr in (found.pooled["tpr"], found.mean_over_images["tpr"]):  # equal support: both means agree
        assert (tpr.low, tpr.high) == pytest.approx(tuple(expected))


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


def test_paired_difference_is_narrower_than_unpaired():
    generator = np.random.default_rng(3)
    hard = generator.integers(10, 80, size=25)
    a, b = [run(hard + 8), run(hard + 10)], [run(hard), run(hard + 1)]
    crack = paired_difference(a, b, rate="tpr", class_names=["crack"])
    assert len(crack) == 1
    assert crack[0].difference == pytest.approx(0.085)
    assert crack[0].probability_better == 1.0
    assert 0.07 < crack[0].low <= crack[0].high < 0.1
    alone = summarise_runs(a)[1].pooled["tpr"]
    assert alone.high - alone.low > 5 * (crack[0].high - crack[0].low)


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


def test_different_numbers_of_runs():
    a, b = [run([50, 60]), run([52, 64]), run([54, 62])], [run([40, 50]), run([42, 48])]
    result = paired_difference(a, b, rate="tpr", class_names=["crack"])[0]
    assert result.difference == pytest.approx(0.57 - 0.45)
    assert result.num_runs == (3, 2)
    assert result.probability_better == 1.0


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


def test_stability_by_hand():
    table = CountsTable.concat(
        [run([hit], step=step) for step, hit in ((500, 5), (7000, 40), (7500, 44), (8000, 48))]
    )
    found = stability_over_steps(table, first_step=7000, leave_out=["background"])
    assert found.num_evaluations == 3
    assert found.sd["tpr"] == pytest.approx(0.04)
    assert found.sd["fpr"] == 0.0
    assert found.sd["precision"] == pytest.approx(np.std([40 / 50, 44 / 54, 48 / 58], ddof=1))
    assert found.stable
    both = stability_over_steps(table, first_step=500, leave_out=["background"])
    assert not both.stable
    runs = stability_over_runs([run([40]), run([44]), run([48])], leave_out=["background"])
    assert runs.sd == found.sd


def test_stability_refuses_and_undefined_is_not_stable():
    with pytest.raises(DataError, match="at least two runs, but there are 1"):
        stability_over_runs([run([1])])
    with pytest.raises(DataError, match="at least two steps from 5 on, but there are 0"):
        stability_over_steps(run([1]), first_step=5)
    with pytest.raises(DataError, match="No class is left"):
        stability_over_runs([run([1]), run([2])], leave_out=NAMES)
    silent = CountsTable()
    silent.append(
        step=1, split="t", image="a", group="", counts=[[9, 1, 0, 0], [0, 0, 1, 9]], class_names=NAMES
    )
    found = stability_over_runs([silent, silent])
    assert math.isnan(found.sd["precision"])
    assert not found.stable
