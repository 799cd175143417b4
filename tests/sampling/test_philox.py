from __future__ import annotations

import numpy as np
import pytest

from rareseg.sampling.philox import philox4x32

# Known answers that come with the Random123 library: counter, key, output.
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "output"), KNOWN)
def test_known_answers(counter, key, output, philox_reference):
    result = philox4x32(np.array(words(counter), np.uint64)[:, None], tuple(words(key)))
    assert result[:, 0].tolist() == words(output)
    assert list(philox_reference(words(counter), words(key))) == words(output)


def test_many_counters_at_once_equal_the_scalar_definition(philox_reference):
    counters = np.random.default_rng(0).integers(0, 1 << 32, (4, 50), dtype=np.uint64)
    before = counters.copy()
    result = philox4x32(counters, (12345, 4000000000))
    expected = [philox_reference(column, (12345, 4000000000)) for column in counters.T.tolist()]
    assert result.T.tolist() == [list(item) for item in expected]
    assert (counters == before).all()
