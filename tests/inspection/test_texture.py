import numpy as np
import pytest

from rareseg.inspection.texture import texture

OPTIONS = {"blur": 2, "spread": 4, "floor": 0.2}


@pytest.fixture
def thumbnails(grain) -> np.ndarray:
    return np.stack([grain(seed, 64, 64) for seed in range(3)]).astype(np.float32)


def test_brightness_and_contrast_fall_out(thumbnails: np.ndarray) -> None:
    plain = texture(thumbnails, **OPTIONS, stripes=True)
    changed = texture(0.3 * thumbnails + 50, **OPTIONS, stripes=True)
    np.testing.assert_allclose(changed.values, plain.values, atol=2e-3)
    assert np.abs(plain.values).max() < 10


def test_a_constant_image_has_no_texture() -> None:
    flat = texture(np.full((1, 64, 64), 12345.678, np.float32), **OPTIONS, stripes=True)
    assert not flat.valid.any()
    assert not flat.values.any()


def test_clipped_ground_is_not_valid(thumbnails: np.ndarray) -> None:
    clipped = thumbnails.copy()
    clipped[:, :, 32:] = 255
    valid = texture(clipped, **OPTIONS, stripes=True).valid
    assert valid[:, :, :24].all()
    assert not valid[:, :, 56:].any()


def test_stripes_are_taken_out(thumbnails: np.ndarray) -> None:
    columns = np.random.default_rng(0).normal(size=64).astype(np.float32) * 30
    striped = texture(np.broadcast_to(columns, (1, 64, 64)) + 0 * thumbnails[:1], **OPTIONS, stripes=False)
    assert np.abs(striped.values).max() < 1e-4
    even = texture(thumbnails, **OPTIONS, stripes=False).values
    np.testing.assert_allclose(even.sum(axis=2), 0, atol=1e-3)
