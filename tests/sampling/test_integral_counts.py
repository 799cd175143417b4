from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rareseg.sampling.class_locations import ClassLocations
from rareseg.sampling.integral_counts import IntegralCounts
from rareseg.sampling.window_grid import num_grid_windows, window_grid
from rareseg.types import Region, Window

NAMES = "abc"
SHAPES = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), min_size=1, max_size=3)
PAIR = st.tuples(st.integers(1, 7), st.integers(1, 7))


def make(shapes, seed):
    """Masks of three classes and ignored pixels, and their integral counts."""
    rng = np.random.default_rng(seed)
    values = np.array([0, 0, 0, 1, 2, 255], np.uint8)
    masks = [np.repeat(rng.choice(values, shape), 2, axis=1)[:, : shape[1]] for shape in shapes]
    regions = [Region(str(number), Window(5, 6, *mask.shape)) for number, mask in enumerate(masks)]
    return masks, IntegralCounts(ClassLocations.from_masks(masks, NAMES), regions)


def count(mask, row, col, height, width):
    """Pixels of each class, cut from the mask itself."""
    part = mask[max(0, row) : max(0, row + height), max(0, col) : max(0, col + width)]
    return [int((part == number).sum()) for number in range(3)]


@settings(max_examples=60, deadline=None)
@given(shapes=SHAPES, seed=st.integers(0, 999), patch=PAIR)
def test_windows_anywhere_equal_a_count_in_the_mask(shapes, seed, patch):
    masks, integral = make(shapes, seed)
    rng = np.random.default_rng(seed)
    region = rng.integers(0, len(masks), 30)
    row, col = rng.integers(-9, 15, (2, 30))
    found = integral.counts(region, row, col, *patch)
    assert found.tolist() == [
        count(masks[r], y, x, *patch) for r, y, x in zip(region, row.tolist(), col.tolist(), strict=True)
    ]


@settings(max_examples=60, deadline=None)
@given(shapes=SHAPES, seed=st.integers(0, 999), patch=PAIR, stride=PAIR)
def test_a_grid_equals_a_count_in_the_mask(shapes, seed, patch, stride):
    masks, integral = make(shapes, seed)
    expected = []
    for number, mask in enumerate(masks):
        axes = [
            sorted({*range(0, size - side + 1, step), size - side}) if size > side else [(size - side) // 2]
            for size, side, step in zip(mask.shape, patch, stride, strict=True)
        ]
        expected += [[number, y, x, *count(mask, y, x, *patch)] for y in axes[0] for x in axes[1]]
    grid = window_grid(integral, patch_size=patch, stride=stride)
    rows = np.column_stack([grid.region, grid.row, grid.col, grid.counts]).tolist()
    assert rows == expected
    assert len(grid) == num_grid_windows(integral, patch_size=patch, stride=stride)
    rare = window_grid(integral, patch_size=patch, stride=stride, holding=[1, 2])
    kept = np.column_stack([rare.region, rare.row, rare.col, rare.counts]).tolist()
    assert kept == [line for line in expected if line[4] or line[5]]


def test_windows_beyond_one_table_are_counted_in_turn():
    """More windows than one table takes, over one background run that wraps around all rows."""
    mask = np.zeros((40, 30), np.uint8)
    mask[7, 9] = 1
    integral = IntegralCounts(
        ClassLocations.from_masks([mask], ["a", "b"]), [Region("a", Window(0, 0, 40, 30))]
    )
    rows, cols = (axis.ravel() for axis in np.mgrid[0:36, 0:26])
    found = integral.counts(0, rows, cols, 5, 5)
    assert found.sum(axis=1).tolist() == [25] * (36 * 26)
    assert found[:, 1].sum() == 25


def test_a_region_without_labels_counts_nothing():
    integral = IntegralCounts(
        ClassLocations.from_masks([np.full((4, 4), 255, np.uint8)], ["a"]), [Region("a", Window(0, 0, 4, 4))]
    )
    assert integral.counts(0, [0], [0], 4, 4).tolist() == [[0]]
    assert len(window_grid(integral, patch_size=(2, 2), stride=(1, 1), holding=[0])) == 0


def test_the_table_sums_what_lies_above_and_left():
    mask = np.array([[1, 0, 1], [0, 1, 1]], np.uint8)
    integral = IntegralCounts(
        ClassLocations.from_masks([mask], ["a", "b"]), [Region("a", Window(0, 0, 2, 3))]
    )
    table = integral.table(0, [0, 1, 2], [0, 1, 2, 3])
    assert table[:, :, 1].tolist() == [[0, 0, 0, 0], [0, 1, 1, 2], [0, 1, 2, 4]]
    assert table[:, :, 0].tolist() == [[0, 0, 0, 0], [0, 0, 1, 1], [0, 1, 2, 2]]
    assert table.dtype == np.int64


@pytest.mark.parametrize("value", [0, 1])
def test_a_region_of_one_class_alone(value):
    mask = np.full((9, 9), value, np.uint8)
    integral = IntegralCounts(
        ClassLocations.from_masks([mask], ["a", "b"]), [Region("a", Window(0, 0, 9, 9))]
    )
    assert integral.counts(0, [2], [3], 4, 5)[0, value] == 20
