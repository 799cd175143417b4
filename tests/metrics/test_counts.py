"""Counts against plain boolean sums, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rareseg.errors import DataError, SizeMismatchError
from rareseg.metrics.counts import confusion_counts


def plain_counts(target, prediction, num_classes):
    counted = target != 255
    rows = []
    for index in range(num_classes):
        true, guess = (target == index) & counted, (prediction == index) & counted
        rows.append(
            [
                (true & guess).sum(),
                (~true & guess & counted).sum(),
                (true & ~guess).sum(),
                (~true & ~guess & counted).sum(),
            ]
        )
    return np.array(rows)


@settings(max_examples=60, deadline=None)
@given(
    num_classes=st.sampled_from([1, 2, 5, 15, 16, 17, 40, 255]),
    shape=st.sampled_from([(), (1,), (7,), (5, 9), (2, 3, 4), (0, 4)]),
    dtypes=st.tuples(*[st.sampled_from(["uint8", "int64", "int16"])] * 2),
    ignored=st.sampled_from([0.0, 0.3, 1.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_plain_sums(num_classes, shape, dtypes, ignored, seed):
    generator = np.random.default_rng(seed)
    target = np.asarray(generator.integers(num_classes, size=shape)).astype(dtypes[0])
    prediction = np.asarray(generator.integers(num_classes, size=shape)).astype(dtypes[1])
    target = np.where(generator.random(shape) < ignored, 255, target).astype(dtypes[0])
    counts = confusion_counts(target, prediction, num_classes)
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(counts, plain_counts(target, prediction, num_classes))


@pytest.mark.parametrize("num_classes", [6, 20])
def test_many_blocks_and_strided_views(num_classes):
    generator = np.random.default_rng(3)
    target = generator.integers(num_classes, size=(1201, 901)).astype(np.uint8)
    target[generator.random(target.shape) < 0.01] = 255
    prediction = generator.integers(num_classes, size=(901, 1201)).astype(np.uint8).T
    expected = plain_counts(target, prediction, num_classes)
    np.testing.assert_array_equal(confusion_counts(target, prediction, num_classes), expected)
    before = target.copy()
    half = confusion_counts(target[::2], prediction[::2], num_classes)
    np.testing.assert_array_equal(half, plain_counts(target[::2], prediction[::2], num_classes))
    np.testing.assert_array_equal(target, before)


def test_equals_torchmetrics():
    classification = pytest.importorskip("torchmetrics.functional.classification")
    torch = pytest.importorskip("torch")
    generator = np.random.default_rng(1)
    target = generator.integers(4, size=(64, 64))
    target[:5] = 255
    prediction = generator.integers(4, size=(64, 64))
    reference = classification.multiclass_stat_scores(
        torch.from_numpy(prediction),
        torch.from_numpy(target),
        num_classes=4,
        average=None,
        ignore_index=255,
    )
    tp, fp, tn, fn, _ = reference.T
    expected = torch.stack([tp, fp, fn, tn], dim=1).numpy()
    np.testing.assert_array_equal(confusion_counts(target, prediction, 4), expected)


def test_prediction_at_ignored_pixels_does_not_matter():
    target, prediction = np.array([255, 1], np.uint8), np.array([255, 1], np.uint8)
    assert confusion_counts(target, prediction, 2).tolist() == [[0, 0, 0, 1], [1, 0, 0, 0]]


@pytest.mark.parametrize(
    ("target", "prediction", "error", "text"),
    [
        ([0, 1], [0, 2], DataError, "'prediction' should hold class indices 0 to 1, but holds 2"),
        ([0, 7], [0, 1], DataError, "'target' should hold class indices 0 to 1, but holds 7"),
        ([0, -1], [0, 1], DataError, "holds -1"),
        ([0, 1], [0.0, 1.0], DataError, "'prediction' should hold integer class indices, but is float64"),
        ([0, 1], [0, 1, 1], SizeMismatchError, r"have \(2,\) and \(3,\)"),
    ],
)
def test_refuses(target, prediction, error, text):
    with pytest.raises(error, match=text):
        confusion_counts(np.array(target), np.array(prediction), 2)


def test_refuses_number_of_classes():
    with pytest.raises(DataError, match="should lie in 1 to 255, but is 256"):
        confusion_counts(np.array([0]), np.array([0]), 256)
