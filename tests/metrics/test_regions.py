"""Regions against a plain flood fill, rules at ignored pixels, and their summary."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rareseg.errors import DataError, OptionError, SizeMismatchError
from rareseg.metrics.region_summary import summarise_regions
from rareseg.metrics.region_table import RegionTable
from rareseg.metrics.regions import region_counts


def flood(mask):
    """8-connected components as sets of pixels."""
    left, regions = {tuple(pixel) for pixel in np.argwhere(mask).tolist()}, []
    while left:
        region, border = set(), [left.pop()]
        while border:
            row, col = border.pop()
            region.add((row, col))
            near = {(row + i, col + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            border += near
        regions.append(region)
    return regions


def plain_counts(target, prediction, index, min_overlap):
    ignored = {tuple(pixel) for pixel in np.argwhere(target == 255).tolist()}
    true, guess = flood(target == index), flood(prediction == index)
    guessed = set().union(*guess)
    hits = [region for region in true if len(region & guessed) >= min(min_overlap, len(region))]
    right = [region for region in guess if any(region & hit for hit in hits)]
    wrong = [region for region in guess if region not in right and 2 * len(region & ignored) < len(region)]
    return [len(true), len(hits), len(right) + len(wrong), len(wrong)]


@settings(max_examples=80, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 12)),
    min_overlap=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_flood_fill(shape, min_overlap, seed):
    generator = np.random.default_rng(seed)
    values, shares = [0, 1, 2, 255], [0.5, 0.25, 0.1, 0.15]
    target = generator.choice(values, size=shape, p=shares).astype(np.uint8)
    prediction = generator.choice(values[:3], size=shape, p=[0.6, 0.3, 0.1]).astype(np.uint8)
    found = region_counts(target, prediction, 3, min_overlap=min_overlap)
    counted = target != 255
    for index in range(3):
        if (target[counted] == index).any() or (prediction[counted] == index).any():
            assert found[index].tolist() == plain_counts(target, prediction, index, min_overlap)
        else:
            assert found[index].tolist() == [0, 0, 0, 0]


def counts_of(target, prediction, **options):
    def parse(rows):
        return np.array([[255 if sign == "?" else int(sign) for sign in row] for row in rows.split()])

    return region_counts(parse(target), parse(prediction), 2, **options)[1].tolist()


def test_diagonal_pixels_are_one_region():
    assert counts_of("10 01", "10 00") == [1, 1, 1, 0]


def test_one_prediction_may_hit_two_regions():
    assert counts_of("10001", "11111") == [2, 2, 1, 0]


def test_two_predictions_may_hit_one_region():
    assert counts_of("11111", "10001") == [1, 1, 2, 0]


def test_min_overlap():
    assert counts_of("0111", "0100", min_overlap=2) == [1, 0, 1, 1]
    assert counts_of("0111", "0110", min_overlap=2) == [1, 1, 1, 0]
    assert counts_of("0010", "0110", min_overlap=5) == [1, 1, 1, 0]  # the whole of a small region


@pytest.mark.parametrize(
    ("target", "prediction", "expected"),
    [
        ("00??00", "001100", [0, 0, 0, 0]),  # wholly ignored
        ("00??00", "001110", [0, 0, 0, 0]),  # two of three pixels ignored
        ("00??00", "011110", [0, 0, 0, 0]),  # half of it ignored
        ("00?000", "011100", [0, 0, 1, 1]),  # one of three: a false alarm
        ("01????", "011111", [1, 1, 1, 0]),  # mostly ignored, but it hits
        ("01?100", "000100", [2, 1, 1, 0]),  # ignored pixels part true regions
    ],
)
def test_ignored_pixels(target, prediction, expected):
    assert counts_of(target, prediction) == expected


def test_regions_refuse():
    flat = np.zeros((2, 2), int)
    with pytest.raises(SizeMismatchError, match=r"have \(2, 2\) and \(2, 3\)"):
        region_counts(flat, np.zeros((2, 3), int), 2)
    with pytest.raises(SizeMismatchError, match=r"\(height, width\) arrays"):
        region_counts(flat[0], flat[0], 2)
    with pytest.raises(DataError, match="'prediction' should hold class indices 0 to 1, but holds 4"):
        region_counts(flat, flat + 4, 2)
    with pytest.raises(OptionError, match="'min_overlap' should be at least 1 pixel, but is 0"):
        region_counts(flat, flat, 2, min_overlap=0)


def test_summary_by_hand():
    table = RegionTable()
    rows = [("a", "g", [4, 3, 5, 2], 0.5), ("b", "g", [0, 0, 1, 1], 0.5), ("c", "h", [1, 1, 1, 0], 1.0)]
    for image, group, counts, megapixels in rows:
        table.append(
            step=1,
            split="test",
            image=image,
            group=group,
            counts=[counts],
            megapixels=megapixels,
            class_names=["crack"],
        )
    crack = summarise_regions(table)[0]
    assert (crack.num_true, crack.num_hit, crack.num_predicted, crack.num_false) == (5, 4, 7, 3)
    assert crack.megapixels == 2.0
    assert crack.recall.value == pytest.approx(0.8)
    assert crack.precision.value == pytest.approx(4 / 7)
    assert crack.false_per_megapixel.value == pytest.approx(1.5)
    assert (crack.recall.num_images, crack.recall.num_groups) == (2, 2)
    # Of the draws gg, gh, hg, hh: recall is 0.75, 0.8 or 1, false regions a megapixel 3, 1.5 or 0.
    assert (crack.recall.low, crack.recall.high) == pytest.approx((0.75, 1.0))
    assert (crack.false_per_megapixel.low, crack.false_per_megapixel.high) == pytest.approx((0.0, 3.0))
    alone = summarise_regions(
        RegionTable.from_columns({name: table[name][:2] for name in table.column_names()})
    )[0]
    assert math.isnan(alone.recall.low)
    assert alone.recall.num_groups == 1
