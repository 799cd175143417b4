"""Components from runs against scipy's labelling, class by class."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from rareseg.metrics.components import find_components


@settings(max_examples=80, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    num_values=st.integers(1, 4),
    spread=st.sampled_from([0, 1, 3]),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_scipy(shape, num_values, spread, seed):
    field = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), spread)
    labels = np.digitize(field, np.quantile(field, np.linspace(0, 1, num_values + 1)[1:-1])).astype(np.uint8)
    found = find_components(labels)
    lengths = np.diff(found.starts, append=labels.size)
    painted = np.repeat(found.component, lengths).reshape(shape)
    np.testing.assert_array_equal(found.values[painted], labels)
    np.testing.assert_array_equal(np.bincount(painted.ravel()), found.areas)
    for value in range(num_values):
        reference, number = ndimage.label(labels == value, np.ones((3, 3)))
        assert number == np.count_nonzero(found.values == value)
        pairs = set(zip(reference[labels == value], painted[labels == value], strict=True))
        assert len(pairs) == number


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1)])
def test_single_rows_and_columns(shape):
    found = find_components(np.zeros(shape, np.uint8))
    assert (found.values.tolist(), found.areas.tolist()) == ([0], [max(shape)])


def test_a_spiral_is_one_component():
    rows = ["11111", "00001", "11101", "10001", "11111"]
    labels = np.array([[int(sign) for sign in row] for row in rows])
    assert sorted(find_components(labels).areas.tolist()) == [8, 17]
