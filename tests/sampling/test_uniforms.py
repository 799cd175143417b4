from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rareseg.errors import OptionError
from rareseg.sampling.uniforms import uniforms


@pytest.mark.parametrize(
    ("seed", "index"), [(0, 0), (5, 7), ((1 << 64) - 1, (1 << 40) + 3), (1 << 33, 1 << 62)]
)
def test_equals_the_upper_53_bits_of_independent_philox_words(seed, index, philox_reference):
    key = (seed % (1 << 32), seed >> 32)
    expected = []
    for block in range(3):
        w = philox_reference((index % (1 << 32), index >> 32, block, 0), key)
        expected += [((w[0] << 32 | w[1]) >> 11) / 2**53, ((w[2] << 32 | w[3]) >> 11) / 2**53]
    assert uniforms(seed, [index], 6)[0].tolist() == expected
    assert uniforms(seed, [index], 5)[0].tolist() == expected[:5]


@given(st.lists(st.integers(0, 2**63 - 1), max_size=8), st.integers(0, 2**64 - 1), st.integers(1, 7))
def test_every_index_stands_alone(indices, seed, num):
    together = uniforms(seed, np.array(indices, np.int64), num)
    assert together.shape == (len(indices), num)
    for index, row in zip(indices, together, strict=True):
        assert row.tolist() == uniforms(seed, [index], num)[0].tolist()
    assert ((together >= 0) & (together < 1)).all()


def test_columns_are_uniform_and_independent():
    u = uniforms(3, np.arange(40_000), 4)
    for column in u.T:
        assert stats.kstest(column, "uniform").pvalue > 1e-3
    correlation = np.corrcoef(np.hstack([u[:-1], u[1:], uniforms(4, np.arange(39_999), 4)]).T)
    assert np.abs(correlation - np.eye(12)).max() < 0.025  # five standard errors of 40 000 draws


@pytest.mark.parametrize("seed", [-1, 1 << 64])
def test_a_seed_that_does_not_fit_is_refused(seed):
    with pytest.raises(OptionError, match=r"A seed lies between 0 and 2\*\*64 - 1, but"):
        uniforms(seed, [0], 1)
