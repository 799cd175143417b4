import functools

import numpy as np
import pytest

from rareseg.inspection import image_scan as module
from rareseg.inspection.image_scan import scan_images
from rareseg.inspection.strips import strips
from rareseg.inspection.transforms import TRANSFORMS
from rareseg.types import Window


def _scan(make_source, image, **options):
    source = make_source({"a": np.zeros(image.shape[1:], np.uint8)}, {"a": image})
    return scan_images(source, ["a"], **options)[0]


@pytest.mark.parametrize("name", TRANSFORMS)
def test_thumbnails_turn_with_the_image(make_source, grain, name: str) -> None:
    image = grain(0, 101, 150)
    thumbnail = _scan(make_source, image[None]).thumbnail
    turned = _scan(make_source, TRANSFORMS[name](image)[None]).thumbnail
    np.testing.assert_allclose(turned, TRANSFORMS[name](thumbnail), atol=1e-3)


def test_a_thumbnail_averages_equal_areas(make_source) -> None:
    image = np.random.default_rng(0).integers(0, 255, (2, 128, 192), np.uint8)
    expected = image.mean(axis=0).reshape(64, 2, 64, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(_scan(make_source, image).thumbnail, expected, rtol=1e-5)


def test_an_image_smaller_than_its_thumbnail(make_source) -> None:
    thumbnail = _scan(make_source, np.arange(32, dtype=np.float32).reshape(1, 32, 1)).thumbnail
    np.testing.assert_allclose(thumbnail, np.repeat(np.arange(32), 2)[:, None] * np.ones(64), rtol=1e-6)


def test_strips_change_nothing(make_source, monkeypatch) -> None:
    image = np.random.default_rng(1).normal(size=(3, 70, 33)).astype(np.float32)
    windows = {"a": [Window(10, 5, 40, 20)]}
    whole = _scan(make_source, image, windows=windows)
    monkeypatch.setattr(module, "strips", functools.partial(strips, max_values=700))
    cut = _scan(make_source, image, windows=windows)
    np.testing.assert_allclose(cut.thumbnail, whole.thumbnail, atol=1e-5)
    np.testing.assert_allclose(cut.sums.mean, image[:, 10:50, 5:25].mean(axis=(1, 2)), rtol=1e-4)
    np.testing.assert_allclose(cut.sums.std, whole.sums.std, rtol=1e-9)
    assert (cut.minimum, cut.maximum) == (image.min(), image.max())


def test_missing_constant_and_saturated(make_source) -> None:
    image = np.full((1, 8, 8), 5, np.float32)
    image[0, 0, :3] = np.nan
    scan = _scan(make_source, image)
    assert (scan.num_missing, scan.is_constant, scan.mean) == (3, True, 5)
    np.testing.assert_allclose(scan.thumbnail, 5)
    bright = np.full((1, 4, 4), 255, np.uint8)
    bright[0, 0] = 0
    assert _scan(make_source, bright).saturated == 0.75


def test_equal_bands_are_noticed(make_source) -> None:
    grey = np.arange(16, dtype=np.uint8).reshape(1, 4, 4)
    assert _scan(make_source, np.repeat(grey, 3, axis=0)).equal_bands
    assert not _scan(make_source, grey).equal_bands
    assert not _scan(make_source, np.concatenate([grey, grey + 1])).equal_bands


def test_missing_pixels_count_in_no_mean_of_a_thumbnail(make_source, grain, monkeypatch) -> None:
    image = np.stack([grain(0, 128, 128), grain(1, 128, 128)]).astype(np.float32)
    whole = _scan(make_source, image).thumbnail
    gaps = image.copy()
    gaps[:, :32], gaps[0, 64, 65] = np.nan, np.nan
    monkeypatch.setattr(
        module, "strips", functools.partial(strips, max_values=3000)
    )  # some are missing entirely
    found = _scan(make_source, gaps).thumbnail
    np.testing.assert_allclose(
        found[32, 32], image[:, 64:66, 64:66].mean(axis=0)[[0, 1, 1], [0, 0, 1]].mean()
    )
    found[32, 32] = whole[32, 32]
    np.testing.assert_allclose(found[16:], whole[16:], rtol=1e-5)
    np.testing.assert_allclose(found[:16], whole[16:].mean(), rtol=1e-3)


def test_a_missing_image_has_a_thumbnail_without_nan(make_source) -> None:
    scan = _scan(make_source, np.full((2, 9, 9), np.nan, np.float32))
    assert scan.num_missing == 162 and scan.is_constant
    np.testing.assert_array_equal(scan.thumbnail, 0)


def test_equal_bands_may_miss_the_same_pixels(make_source) -> None:
    grey = np.arange(16, dtype=np.float32).reshape(1, 4, 4)
    grey[0, 1, 1] = np.nan
    assert _scan(make_source, np.repeat(grey, 3, axis=0)).equal_bands
    other = np.repeat(grey, 2, axis=0)
    other[1, 1, 1] = 5
    assert not _scan(make_source, other).equal_bands
