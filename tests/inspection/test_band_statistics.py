import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rareseg.data.splits import TrainSplit
from rareseg.errors import DataError
from rareseg.inspection import band_statistics as module
from rareseg.inspection.band_statistics import band_statistics
from rareseg.inspection.band_sums import BandSums
from rareseg.inspection.strips import strips
from rareseg.types import Region, Window


def _source(make_source, images):
    return make_source({k: np.zeros(v.shape[1:], np.uint8) for k, v in images.items()}, images)


def test_mean_and_deviation_of_training_windows_alone(make_source) -> None:
    rng = np.random.default_rng(0)
    images = {name: rng.integers(0, 65535, (3, 20, 30), np.uint16) for name in "abc"}
    source = _source(make_source, images)
    split = TrainSplit((Region("a", Window(5, 0, 15, 30)), Region("c", Window(0, 0, 20, 30))))
    mean, std = band_statistics(source, split)
    seen = np.concatenate([images["a"][:, 5:].reshape(3, -1), images["c"].reshape(3, -1)], axis=1).astype(
        float
    )
    np.testing.assert_allclose(mean, seen.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(std, seen.std(axis=1), rtol=1e-12)


def test_strips_change_nothing(make_source, monkeypatch) -> None:
    image = np.random.default_rng(1).normal(1e4, 3, (2, 37, 11)).astype(np.float32)
    source = _source(make_source, {"a": image})
    split = TrainSplit((Region("a", Window(0, 0, 37, 11)),))
    whole = band_statistics(source, split)
    monkeypatch.setattr(module, "strips", functools.partial(strips, max_values=50))
    np.testing.assert_allclose(band_statistics(source, split), whole, rtol=1e-12)


def test_nan_and_infinity_do_not_count(make_source) -> None:
    image = np.array([[[1, 3, np.nan, np.inf]], [[2, 2, 2, np.nan]]], np.float32)
    source = _source(make_source, {"a": image})
    mean, std = band_statistics(source, TrainSplit((Region("a", Window(0, 0, 1, 4)),)))
    assert mean.tolist() == [2, 2]
    assert std.tolist() == [1, 0]


def test_a_band_without_values_is_an_error(make_source) -> None:
    image = np.array([[[1, 2]], [[np.nan, np.nan]]], np.float32)
    source = _source(make_source, {"a": image})
    with pytest.raises(DataError, match="Band 1 has no finite value in the training images"):
        band_statistics(source, TrainSplit((Region("a", Window(0, 0, 1, 2)),)))


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40), st.integers(0, 40))
@settings(deadline=None)
def test_joined_blocks_equal_the_whole(values: list[float], cut: int) -> None:
    block = np.array(values).reshape(1, 1, -1)
    joined = BandSums.of(block[..., :cut]).joined(BandSums.of(block[..., cut:]))
    assert joined.mean[0] == pytest.approx(np.mean(values), abs=1e-6)
    assert joined.std[0] == pytest.approx(np.std(values), rel=1e-6, abs=1e-3)
    assert (joined.minimum[0], joined.maximum[0]) == (min(values), max(values))
