"""Class summaries, averages over classes, and the bootstrap behind their intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rareseg.errors import DataError, OptionError, UnknownNameError
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.intervals import group_weights, percentile_interval, resampled_sums
from rareseg.metrics.macro import macro_averages
from rareseg.metrics.summary import summarise


def make_table(counts, *, groups=None, class_names=("crack",), order=None):
    """``counts``: (images, classes, 4)."""
    counts = np.asarray(counts)
    table = CountsTable()
    for index in order if order is not None else range(len(counts)):
        table.append(
            step=1,
            split="test",
            image=f"i{index}",
            group=groups[index] if groups else "",
            counts=counts[index],
            class_names=class_names,
        )
    return table


def test_pooled_and_mean_by_hand():
    table = make_table([[[8, 2, 2, 88]], [[1, 0, 9, 90]], [[0, 5, 0, 95]], [[0, 0, 0, 100]]])
    crack = summarise(table)[0]
    assert (crack.tp, crack.fp, crack.fn, crack.tn) == (9, 7, 11, 373)
    assert (crack.support, crack.num_images, crack.num_images_with_class) == (20, 4, 2)
    assert (crack.num_groups, crack.num_groups_with_class) == (4, 2)
    pooled, mean = crack.pooled, crack.mean_over_images
    assert pooled["tpr"].value == pytest.approx(9 / 20)
    assert mean["tpr"].value == pytest.approx((0.8 + 0.1) / 2)
    assert (mean["tpr"].num_images, mean["iou"].num_images, mean["fpr"].num_images) == (2, 3, 4)
    assert mean["iou"].value == pytest.approx((8 / 12 + 1 / 10 + 0) / 3)
    assert mean["precision"].value == pytest.approx((0.8 + 1 + 0) / 3)
    assert pooled["tpr"].num_groups == 2
    assert pooled["fpr"].num_groups == 4


def test_bootstrap_equals_a_plain_loop():
    """The same draws, one resample after another, image by image."""
    generator = np.random.default_rng(5)
    counts = generator.integers(0, 30, size=(12, 2, 4))
    counts[:, 1, :3] *= generator.random((12, 1)) < 0.5
    groups = [f"g{index % 5}" for index in range(12)]
    table = make_table(counts, groups=groups, class_names=("a", "b"))
    found = summarise(table, num_resamples=200, seed=7, interval=0.9)
    weights = np.concatenate(list(group_weights(5, num_resamples=200, seed=7)))
    for index, summary in enumerate(found):
        pooled, means = [], []
        for weight in weights:
            drawn = [counts[i, index] for i in range(12) for _ in range(int(weight[i % 5]))]
            tp, fp, fn, _ = np.sum(drawn, axis=0)
            pooled.append(tp / (tp + fp + fn) if tp + fp + fn else np.nan)
            ious = [row[0] / row[:3].sum() for row in drawn if row[:3].sum()]
            means.append(np.mean(ious) if ious else np.nan)
        for samples, estimate in ((pooled, summary.pooled), (means, summary.mean_over_images)):
            expected = np.nanquantile(samples, [0.05, 0.95])
            assert (estimate["iou"].low, estimate["iou"].high) == pytest.approx(tuple(expected))


def test_deterministic_and_independent_of_row_order():
    counts = np.random.default_rng(1).integers(1, 50, size=(9, 1, 4))
    groups = list("aabbccdde")
    first = summarise(make_table(counts, groups=groups), seed=3)
    again = summarise(make_table(counts, groups=groups, order=[4, 2, 8, 0, 1, 7, 6, 5, 3]), seed=3)
    other = summarise(make_table(counts, groups=groups), seed=4)
    assert first[0].pooled == again[0].pooled
    assert first[0].pooled["iou"].low != other[0].pooled["iou"].low


def test_interval_covers_about_what_it_says():
    """Binomial images with true recall 0.7: a 90 % interval should hold 0.7 in about 90 % of studies."""
    generator = np.random.default_rng(11)
    held = 0
    for study in range(150):
        recall = generator.beta(7, 3, size=40)
        hits = generator.binomial(100, recall)
        counts = [[[hit, 0, 100 - hit, 10]] for hit in hits]
        tpr = summarise(make_table(counts), num_resamples=300, seed=study, interval=0.9)[0].pooled["tpr"]
        held += tpr.low <= 0.7 <= tpr.high
    assert 0.82 <= held / 150 <= 0.96


def test_groups_widen_the_interval():
    """Eight images of one object say hardly more than one, which only a draw of groups can tell."""
    generator = np.random.default_rng(2)
    hits = np.repeat(generator.integers(20, 80, size=10), 8)
    counts = [[[hit, 0, 100 - hit, 0]] for hit in hits]
    grouped = summarise(make_table(counts, groups=[f"g{i // 8}" for i in range(80)]))[0].pooled["tpr"]
    alone = summarise(make_table(counts))[0].pooled["tpr"]
    assert grouped.value == alone.value
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)


def test_class_of_one_group_has_no_interval():
    counts = [[[5, 1, 5, 89]], [[4, 0, 1, 95]], [[0, 2, 0, 98]]]
    crack = summarise(make_table(counts, groups=["a", "a", "b"]))[0]
    assert (crack.num_groups, crack.num_groups_with_class) == (2, 1)
    for name in ("tpr", "precision", "iou", "dice", "f_beta"):
        estimate = crack.pooled[name]
        assert estimate.value == estimate.value
        assert math.isnan(estimate.low)
        assert math.isnan(estimate.high)
    assert crack.pooled["fpr"].low < crack.pooled["fpr"].high
    assert str(crack.pooled["tpr"]) == "0.600 [no interval]"


def test_absent_class_is_nan():
    crack = summarise(make_table([[[0, 0, 0, 9]], [[0, 0, 0, 9]]]))[0]
    assert math.isnan(crack.pooled["iou"].value)
    assert crack.pooled["iou"].num_images == 0
    assert crack.pooled["fpr"].value == 0.0


def test_windows_of_one_image_are_summed():
    table = CountsTable()
    for tp in (3, 5):
        table.append(step=1, split="t", image="a", group="", counts=[[tp, 0, 1, 0]], class_names=["crack"])
    crack = summarise(table)[0]
    assert (crack.num_images, crack.mean_over_images["tpr"].value) == (1, pytest.approx(0.8))


def test_image_without_group_is_not_the_group_of_its_name():
    table = CountsTable()
    for image, group in (("a", ""), ("b", "a")):
        table.append(step=1, split="t", image=image, group=group, counts=[[1, 0, 1, 0]], class_names=["c"])
    assert summarise(table)[0].num_groups == 2


def test_refuses():
    table = make_table([[[1, 1, 1, 1]]])
    with pytest.raises(OptionError, match="'interval' should lie between 0 and 1, but is 95"):
        summarise(table, interval=95)
    with pytest.raises(OptionError, match="'num_resamples' should be at least 1"):
        summarise(table, num_resamples=0)
    with pytest.raises(DataError, match="has no rows"):
        summarise(CountsTable())
    table.append(step=2, split="test", image="a", group="", counts=[[1, 1, 1, 1]], class_names=["crack"])
    with pytest.raises(DataError, match=r"the table holds steps \(1, 2\)"):
        summarise(table)
    mixed = make_table([[[1, 1, 1, 1]], [[1, 1, 1, 1]]], groups=["a", "b"])
    mixed.append(step=1, split="test", image="i0", group="b", counts=[[1, 1, 1, 1]], class_names=["crack"])
    with pytest.raises(DataError, match="Image 'i0' lies in the groups 'a' and 'b'"):
        summarise(mixed)


def test_macro_counts_its_classes():
    counts = [[[90, 1, 1, 8], [6, 2, 4, 88], [0, 0, 0, 100]], [[80, 2, 2, 16], [4, 1, 6, 89], [0, 0, 0, 100]]]
    table = make_table(counts, class_names=("background", "crack", "cavity"))
    every, rare = macro_averages(table, leave_out=[(), ("background",)])
    assert (every.num_classes["tpr"], every.num_classes["fpr"]) == (2, 3)
    assert every.pooled["tpr"].value == pytest.approx((170 / 173 + 10 / 20) / 2)
    assert rare.left_out == ("background",)
    assert rare.num_classes["iou"] == 1
    crack = summarise(table)[1]
    assert rare.pooled["iou"] == crack.pooled["iou"]
    assert rare.mean_over_images["iou"] == crack.mean_over_images["iou"]
    assert every.mean_over_images["tpr"].value == pytest.approx(((90 / 91 + 80 / 82) / 2 + 0.5) / 2)
    nothing = macro_averages(table, leave_out=[("background", "crack", "cavity")])[0]
    assert nothing.num_classes["iou"] == 0
    assert math.isnan(nothing.pooled["iou"].value)
    with pytest.raises(UnknownNameError, match=r"There is no class named 'crak'\. Did you mean 'crack'"):
        macro_averages(table, leave_out=[("crak",)])


def test_weights_and_percentiles():
    blocks = list(group_weights(3_000_000, num_resamples=3, seed=0))
    assert [block.shape for block in blocks] == [(1, 3_000_000)] * 3
    assert all(block.sum() == 3_000_000 for block in blocks)
    small = np.concatenate(list(group_weights(4, num_resamples=50_000, seed=1)))
    assert (small.sum(axis=1) == 4).all()
    np.testing.assert_allclose(small.mean(axis=0), 1, atol=0.02)
    np.testing.assert_allclose(small.var(axis=0), 0.75, atol=0.02)  # multinomial: n p (1 - p)
    values = np.arange(12).reshape(4, 3)
    np.testing.assert_allclose(resampled_sums(values, num_resamples=50_000, seed=1), small @ values)
    samples = np.random.default_rng(0).normal(size=(101, 3))
    samples[::2, 1] = np.nan
    samples[:, 2] = np.nan
    low, high = percentile_interval(samples, 0.8)
    np.testing.assert_allclose(low[:2], np.nanquantile(samples[:, :2], 0.1, axis=0))
    np.testing.assert_allclose(high[:2], np.nanquantile(samples[:, :2], 0.9, axis=0))
    assert np.isnan(low[2])
    assert np.isnan(high[2])
