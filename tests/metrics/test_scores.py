"""Score bins, histograms, curves and thresholds against plain computations on the scores themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rareseg.errors import ArtefactError, DataError, SizeMismatchError
from rareseg.metrics.bins import bin_edges, bin_index, bin_logits, nearest_edge
from rareseg.metrics.byte_histogram import byte_histogram
from rareseg.metrics.curves import average_precision, best_threshold, counts_at, score_curve
from rareseg.metrics.score_bins import score_bins
from rareseg.metrics.score_table import ScoreTable
from rareseg.metrics.scores import ScoreHistogram


def softmax_logit(logits):
    """Logit of the softmax probability in float64, class by class."""
    logits = logits.astype(np.float64)
    scores = np.empty_like(logits)
    for index in range(len(logits)):
        others = np.delete(logits, index, axis=0)
        top = others.max(axis=0)
        scores[index] = logits[index] - top - np.log(np.exp(others - top).sum(axis=0))
    return scores


def make_scores(seed=0, shape=(40, 50), share=0.03):
    """Three classes; logits point to the target, with noise."""
    generator = np.random.default_rng(seed)
    target = (generator.random(shape) < share).astype(np.uint8) + (generator.random(shape) < share)
    logits = generator.normal(0, 2, (3, *shape)).astype(np.float32)
    logits[0] += 3
    logits += 3 * (target == np.arange(3)[:, None, None])
    target[generator.random(shape) < 0.02] = 255
    return target, logits


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bins_are_monotone_and_exact_at_ends(dtype):
    edges = bin_edges()
    near = [np.nextafter(edges[1:-1].astype(dtype), side) for side in (0, 1)]
    dense = np.linspace(0, 1, 200_001)
    tiny = np.logspace(-45, 0, 20_001)
    values = np.unique(np.concatenate([*near, edges, dense, tiny, 1 - tiny]).astype(dtype))
    bins = bin_index(values)
    assert (np.diff(bins.astype(int)) >= 0).all()
    assert (bins[0], bins[-1]) == (0, 255)
    assert np.unique(bins).size == 256
    assert bin_index(np.array([0.5], dtype)) == 128
    inner = (edges[:-1] + edges[1:]) / 2
    np.testing.assert_array_equal(bin_index(inner.astype(dtype)), np.arange(256))


def test_bins_agree_with_edges():
    values = np.random.default_rng(0).beta(0.3, 0.3, 50_000)
    np.testing.assert_array_equal(bin_index(values), np.searchsorted(bin_edges()[1:-1], values, side="right"))
    logits = np.log(values) - np.log1p(-values)
    np.testing.assert_array_equal(bin_logits(logits), bin_index(values))
    half = np.array([0.25, 0.75], np.float16)
    np.testing.assert_array_equal(bin_index(half), bin_index(half.astype(np.float64)))


@pytest.mark.parametrize("wrong", [np.nan, -0.1, 1.1])
def test_bins_refuse(wrong):
    with pytest.raises(DataError, match=r"Scores should be numbers .* some are NaN"):
        bin_index(np.array([0.5, wrong]))


def test_nearest_edge():
    assert [nearest_edge(value) for value in (-1, 0, 1e-9, 0.5, 1 - 1e-9, 1, 2)] == [
        0,
        0,
        0,
        128,
        255,
        255,
        255,
    ]
    edges = bin_edges()
    assert [nearest_edge(edge) for edge in edges[1:256]] == list(range(1, 256))


@pytest.mark.parametrize("size", [0, 1, 1000, (1 << 16) + 1, (1 << 19) + 2, (1 << 20) + 3])
def test_byte_histogram(size):
    values = np.random.default_rng(size).integers(0, 256, size).astype(np.uint8)
    np.testing.assert_array_equal(byte_histogram(values), np.bincount(values, minlength=256))


def plain_histogram(target, bins, num_classes):
    positives, negatives = np.zeros((2, num_classes, 256), int)
    for index in range(num_classes):
        for true, score in zip(target.ravel(), bins[index].ravel(), strict=True):
            if true != 255:
                (positives if true == index else negatives)[index, score] += 1
    return positives, negatives


@pytest.mark.parametrize("ignored", [False, True])
def test_histogram_equals_plain_loop(ignored):
    target, logits = make_scores()
    if not ignored:
        target[target == 255] = 0
    probabilities = 1 / (1 + np.exp(-softmax_logit(logits)))
    histogram = ScoreHistogram(3)
    histogram.add(target, probabilities)
    positives, negatives = plain_histogram(target, bin_index(probabilities), 3)
    np.testing.assert_array_equal(histogram.positives, positives)
    np.testing.assert_array_equal(histogram.negatives, negatives)
    assert histogram.positives.dtype == np.int64
    histogram.add(target, probabilities)
    np.testing.assert_array_equal(histogram.positives, 2 * positives)


def test_logits_equal_exact_scores():
    target, logits = make_scores(shape=(300, 200))
    exact = bin_logits(softmax_logit(logits * 4))
    taken = ScoreHistogram(3)
    taken.add_logits(target, logits * 4)
    torch = pytest.importorskip("torch")
    bins = score_bins(torch.from_numpy(logits * 4)[None])
    assert (bins.shape, bins.dtype) == ((1, 3, 300, 200), torch.uint8)
    binned, plain = ScoreHistogram(3), ScoreHistogram(3)
    binned.add_bins(target, bins[0].numpy())
    plain.add_bins(target, exact)
    assert np.mean(bins[0].numpy() != exact) < 2e-4  # float32 rounds a few scores across an edge
    for histogram in (taken, binned):
        assert np.abs(histogram.positives - plain.positives).sum() <= 40
        assert np.abs(histogram.negatives - plain.negatives).sum() <= 40
        assert histogram.positives.sum() == plain.positives.sum()


@pytest.mark.parametrize("gap", [12.0, 9.0, 0.0, -12.0])
def test_sure_and_tied_logits(gap):
    """Next to 1 a probability in float32 has lost what tells 12.05 from 12.15; the logit has not."""
    torch = pytest.importorskip("torch")
    logits = np.array([gap + 0.05, 0.0, -200.0], np.float32).reshape(3, 1, 1)
    expected = bin_logits(softmax_logit(logits)).ravel().tolist()
    histogram = ScoreHistogram(3)
    histogram.add_logits(np.array([[0]]), logits)
    assert histogram.positives[0].argmax() == expected[0]
    assert histogram.negatives[1].argmax() == expected[1]
    assert histogram.negatives[2].argmax() == 0
    assert score_bins(torch.from_numpy(logits)[None]).flatten().tolist() == expected


def test_equal_and_infinite_logits():
    torch = pytest.importorskip("torch")
    logits = np.array([[1.0, 1.0, 1.0], [200.0, 0.0, 0.0], [0.0, 0.0, -np.inf]], np.float32).T[:, None]
    histogram = ScoreHistogram(3)
    histogram.add_logits(np.array([[0, 0, 0]]), logits)
    third = int(bin_logits(np.log([1 / 2]))[0])
    assert np.flatnonzero(histogram.positives[0]).tolist() == [third, 128, 255]
    bins = score_bins(torch.from_numpy(logits)[None])[0, :, 0]
    assert bins.T.tolist() == [[third] * 3, [255, 0, 0], [128, 128, 0]]


def test_score_bins_in_bfloat16_and_with_nan():
    torch = pytest.importorskip("torch")
    logits = torch.tensor([0.0, 2.0], dtype=torch.bfloat16).reshape(1, 2, 1, 1)
    assert score_bins(logits.requires_grad_()).flatten().tolist() == [108, 148]
    assert score_bins(torch.full((1, 2, 1, 1), float("nan"))).flatten().tolist() == [0, 0]


def test_histogram_refuses():
    histogram = ScoreHistogram(2)
    with pytest.raises(SizeMismatchError, match=r"shape \(2, 1, 2\) were expected.*\(3, 1, 2\) came"):
        histogram.add(np.zeros((1, 2), int), np.zeros((3, 1, 2)))
    with pytest.raises(DataError, match="class indices 0 to 1 or 255, but holds 2"):
        histogram.add(np.array([[0, 2]]), np.zeros((2, 1, 2)))
    with pytest.raises(DataError, match="some are NaN"):
        histogram.add_logits(np.array([[0]]), np.full((2, 1, 1), np.nan))
    key = {"step": [1], "split": ["v"], "image": ["a"], "group": [""], "class": ["c"]}
    table = ScoreTable.from_columns({**key, "positives": [[1, 2]], "negatives": [[0, 1]]})
    with pytest.raises(ArtefactError, match="should have 256 bins, but have 2"):
        table.pooled()


def histogram_of(scores, positive):
    bins = bin_index(scores)
    return tuple(np.bincount(bins[mask], minlength=256) for mask in (positive, ~positive))


def plain_average_precision(scores, positive):
    hits, total = 0, 0.0
    for rank, index in enumerate(np.argsort(-scores, kind="stable"), start=1):
        if positive[index]:
            hits += 1
            total += hits / rank
    return total / positive.sum()


@settings(max_examples=40, deadline=None)
@given(
    share=st.sampled_from([0.003, 0.05, 0.5]),
    skill=st.sampled_from([0.0, 1.0, 4.0]),
    spread=st.sampled_from([0.1, 1.0, 5.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_average_precision_bounds_hold(share, skill, spread, seed):
    generator = np.random.default_rng(seed)
    positive = generator.random(3000) < share
    positive[0] = True
    scores = 1 / (1 + np.exp(-spread * (generator.normal(size=3000) + skill * positive - 1)))
    found = average_precision(*histogram_of(scores, positive))
    exact = plain_average_precision(scores, positive)
    assert found.low - 1e-12 <= exact <= found.high + 1e-12
    assert found.low - 1e-12 <= found.value <= found.high + 1e-12


def test_average_precision_is_close():
    generator = np.random.default_rng(4)
    positive = generator.random(60_000) < 0.01
    scores = 1 / (1 + np.exp(-(2 * generator.normal(size=60_000) + 6 * positive - 4)))
    found = average_precision(*histogram_of(scores, positive))
    assert found.value == pytest.approx(plain_average_precision(scores, positive), abs=2e-3)
    assert found.high - found.low < 0.1


def test_average_precision_by_hand():
    positives, negatives = np.zeros((2, 256), int)
    positives[10], negatives[10] = 2, 1
    found = average_precision(positives, negatives)
    # Orders: negative first 1/2, 2/3; last 1, 1; evenly mixed 1/(1 + 1/3), 2/(2 + 2/3).
    assert (found.low, found.high) == (pytest.approx((1 / 2 + 2 / 3) / 2), 1.0)
    assert found.value == pytest.approx(0.75)
    assert all(math.isnan(x) for x in vars(average_precision(negatives * 0, negatives)).values())


def test_average_precision_of_a_huge_image():
    """One positive behind ten thousand million negatives: the digits must not cancel away."""
    positives, negatives = np.zeros((2, 256), int)
    positives[100], negatives[101] = 3, 10**10
    found = average_precision(positives, negatives)
    assert found.value == pytest.approx((1 + 2 + 3) / 3 / 10**10, rel=1e-4)


def test_counts_at_and_curve_equal_plain_thresholds():
    generator = np.random.default_rng(8)
    positive = generator.random(5000) < 0.1
    scores = 1 / (1 + np.exp(-2 * (generator.normal(size=5000) + positive)))
    positives, negatives = histogram_of(scores, positive)
    curve = score_curve(positives, negatives, beta=2.0)
    assert curve.counts.shape == (256, 4)
    for number, threshold in enumerate(curve.thresholds):
        called = scores >= threshold
        expected = [
            (called & positive).sum(),
            (called & ~positive).sum(),
            (~called & positive).sum(),
            (~called & ~positive).sum(),
        ]
        assert curve.counts[number].tolist() == expected
        assert counts_at(positives, negatives, threshold).tolist() == expected
    both = counts_at(np.stack([positives, negatives]), np.stack([negatives, positives]), 0.5)
    assert both[1].tolist() == both[0][[1, 0, 3, 2]].tolist()
    assert (np.diff(curve.rates.tpr) >= 0).all()
    assert (np.diff(curve.rates.fpr) >= 0).all()
    best = best_threshold(positives, negatives, beta=2.0)
    f_beta = [5 * tp / (5 * tp + 4 * fn + fp) for tp, fp, fn, _ in curve.counts if tp + fp]
    assert best.f_beta == pytest.approx(max(f_beta))
    assert counts_at(positives, negatives, best.threshold).tolist() == best.counts.tolist()
    assert best.threshold < best_threshold(positives, negatives, beta=0.5).threshold


def test_best_threshold_without_positives():
    best = best_threshold(np.zeros(256, int), np.ones(256, int))
    assert math.isnan(best.threshold)
    assert math.isnan(best.f_beta)
