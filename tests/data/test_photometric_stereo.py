"""Photometric stereo against a sphere known in closed form and against numpy's least squares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rareseg.data.photometric_stereo import light_directions, photometric_stereo
from rareseg.errors import DataError


def sphere(size: int = 61, radius: float = 45.0) -> tuple[np.ndarray, np.ndarray]:
    """Normals ``(3, h, w)`` of the cap of a sphere, and an albedo that changes over it."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    normals = np.stack([x, y, np.sqrt(radius**2 - x**2 - y**2)]) / radius
    return normals, 0.3 + 0.4 * (x - x.min()) / size


def render(normals: np.ndarray, albedo: np.ndarray, lights: np.ndarray) -> np.ndarray:
    return np.maximum(np.einsum("nk,khw->nhw", lights, normals), 0) * albedo


def test_a_light_at_azimuth_0_stands_right_and_at_90_below() -> None:
    root = np.sqrt(0.5)
    np.testing.assert_allclose(
        light_directions([0, 90, 180], 45), [[root, 0, root], [0, root, root], [-root, 0, root]], atol=1e-12
    )
    np.testing.assert_allclose(light_directions([45, 0], [0, 30])[:, 2], [1, np.sqrt(0.75)])


def test_a_sphere_is_recovered() -> None:
    normals, albedo = sphere()
    lights = light_directions([0, 90, 180, 270], 20)
    images = render(normals, albedo, lights)
    assert (images > 0).all()
    found, brightness = photometric_stereo(images, lights)
    assert found.dtype == brightness.dtype == np.float32
    np.testing.assert_allclose(found, normals, atol=1e-5)
    np.testing.assert_allclose(brightness, albedo, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=0), 1, atol=1e-6)


def test_shadows_bend_normals_unless_they_are_left_out() -> None:
    normals, albedo = sphere()
    lights = light_directions([0, 60, 120, 180, 240, 300], 60)
    images = render(normals, albedo, lights)
    lit = images > 0
    assert not lit.all()
    enough = lit.sum(axis=0) >= 3
    plain, _ = photometric_stereo(images, lights)
    masked, brightness = photometric_stereo(images, lights, valid=lit)
    assert np.abs(plain - normals).max() > 0.01
    np.testing.assert_allclose(masked[:, enough], normals[:, enough], atol=1e-5)
    np.testing.assert_allclose(brightness[enough], albedo[enough], atol=1e-5)


def test_noisy_integers_agree_with_least_squares() -> None:
    rng = np.random.default_rng(3)
    lights = rng.normal(size=(7, 3)) + np.array([0, 0, 2])
    images = rng.integers(1, 4096, size=(7, 9, 11), dtype=np.uint16)
    unit = lights / np.linalg.norm(lights, axis=1, keepdims=True)
    expected = np.linalg.lstsq(unit, images.reshape(7, -1).astype(float), rcond=None)[0]
    normals, albedo = photometric_stereo(images, lights)
    np.testing.assert_allclose((normals * albedo).reshape(3, -1), expected, rtol=1e-4, atol=1e-2)


def test_masked_pixels_agree_with_least_squares_of_each_pixel() -> None:
    rng = np.random.default_rng(4)
    lights = light_directions([0, 45, 100, 200, 290], [50, 20, 60, 40, 55])
    images = rng.uniform(0.1, 1, (5, 6, 8))
    valid = rng.random((5, 6, 8)) < 0.8
    normals, albedo = photometric_stereo(images, lights, valid=valid)
    for row, col in np.ndindex(6, 8):
        use = valid[:, row, col]
        if use.sum() < 3:
            assert np.isnan(albedo[row, col]) and np.isnan(normals[:, row, col]).all()
            continue
        expected = np.linalg.lstsq(lights[use], images[use, row, col], rcond=None)[0]
        np.testing.assert_allclose(normals[:, row, col] * albedo[row, col], expected, atol=1e-5)


def test_valid_lights_in_one_plane_give_nan() -> None:
    lights = light_directions([0, 180, 0, 90], [45, 45, 0, 45])
    valid = np.ones((4, 1, 2), bool)
    valid[3, 0, 1] = False
    normals, albedo = photometric_stereo(np.ones((4, 1, 2)), lights, valid=valid)
    assert np.isfinite(albedo[0, 0]) and np.isnan(albedo[0, 1]) and np.isnan(normals[:, 0, 1]).all()


def test_a_black_pixel_has_albedo_0_and_no_normal() -> None:
    normals, albedo = photometric_stereo(np.zeros((3, 1, 1)), np.eye(3))
    assert albedo[0, 0] == 0
    assert np.isnan(normals).all()


@given(st.floats(0.01, 100), st.integers(0, 2**31))
def test_length_of_directions_does_not_matter(length: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    lights = light_directions([10, 120, 250], 40)
    images = rng.uniform(0.2, 1, (3, 2, 2))
    normals, albedo = photometric_stereo(images, lights)
    same, brightness = photometric_stereo(images, lights * length)
    np.testing.assert_allclose(same, normals, atol=1e-5)
    np.testing.assert_allclose(brightness, albedo, rtol=1e-5)


@pytest.mark.parametrize(
    ("images", "lights", "message"),
    [
        (np.ones((2, 4, 4)), np.eye(3)[:2], "At least 3 lights are needed .* but 2 came; take more images"),
        (np.ones((4, 4)), np.eye(3), r"`images` should be a real array .* is float64 of shape \(4, 4\)"),
        (np.ones((3, 4, 4), bool), np.eye(3), "`images` should be a real array .* is bool"),
        (np.ones((4, 4, 4)), np.eye(3), "holds 4 images, but `lights` 3 directions"),
        (np.ones((3, 4, 4)), np.ones((3, 2)), r"shape \(lights, 3\), but has \(3, 2\)"),
        (np.ones((3, 4, 4)), [[1, 0, 0], [0, 0, 0], [0, 0, 1]], r"Light 1 should be .* is \[0.0, 0.0, 0.0\]"),
        (np.ones((3, 4, 4)), [[1, 0, 0], [0, 1, 0], [0, np.nan, 1]], "Light 2 should be a finite direction"),
        (np.ones((3, 4, 4)), [[1, 0, 1], [-1, 0, 1], [0, 0, 1]], "lie in one plane; move a light out"),
    ],
)
def test_mistakes_are_named(images: Any, lights: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        photometric_stereo(images, lights)


def test_a_mask_must_be_boolean_and_of_the_same_shape() -> None:
    with pytest.raises(
        DataError, match=r"`valid` should be boolean of the images' shape \(3, 4, 4\), but is float64"
    ):
        photometric_stereo(np.ones((3, 4, 4)), np.eye(3), valid=np.ones((3, 4, 4)))
    with pytest.raises(DataError, match=r"of shape \(4, 4\); make it"):
        photometric_stereo(np.ones((3, 4, 4)), np.eye(3), valid=np.ones((4, 4), bool))


def test_angles_out_of_range_are_named() -> None:
    with pytest.raises(DataError, match=r"Polar angles run from 0 .* but \[90\.0\] came"):
        light_directions([0, 90, 180], 90)
    with pytest.raises(DataError, match="3 azimuths and 2 polar angles came"):
        light_directions([0, 90, 180], [10, 20])
