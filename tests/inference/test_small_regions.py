"""Small regions are removed as pixel counts of scipy's components say, in windows as in the whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from rareseg.inference.small_regions import remove_small_regions


def _by_scipy(labels: np.ndarray, smallest: list[int]) -> np.ndarray:
    cleaned = labels.copy()
    for index in range(1, len(smallest)):
        components, number = ndimage.label(labels == index, structure=np.ones((3, 3)))
        for component in range(1, number + 1):
            if (components == component).sum() < smallest[index]:
                cleaned[components == component] = 0
    return cleaned


def _noise(seed: int, size: tuple[int, int]) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.choice(np.array([0, 1, 2, 255], np.uint8), size, p=[0.6, 0.25, 0.1, 0.05])


@given(seed=st.integers(0, 10_000), smallest=st.lists(st.integers(0, 9), min_size=2, max_size=2))
def test_regions_are_those_of_scipy(seed: int, smallest: list[int]) -> None:
    labels = _noise(seed, (23, 31))
    before = labels.copy()
    cleaned = remove_small_regions(labels, [0, *smallest])
    np.testing.assert_array_equal(cleaned, _by_scipy(before, [0, *smallest]))
    np.testing.assert_array_equal(labels, before)


@pytest.mark.parametrize("least", [2, 5, 12])
def test_a_border_of_the_least_size_is_enough_for_strips(least: int) -> None:
    labels = _noise(least, (90, 40))
    whole = remove_small_regions(labels, [0, least, least])
    for row in range(0, 90, 10):
        first, last = max(0, row - least), min(90, row + 10 + least)
        strip = remove_small_regions(labels[first:last], [0, least, least])
        np.testing.assert_array_equal(strip[row - first : row - first + 10], whole[row : row + 10])


def test_without_sizes_nothing_is_touched() -> None:
    labels = _noise(1, (8, 8))
    assert remove_small_regions(labels, ()) is labels
    assert remove_small_regions(np.zeros((0, 4), np.uint8), [0, 5]).shape == (0, 4)
