"""Images in other numbers than those of training are told, with the likely cause; images like them are not."""

from __future__ import annotations

import numpy as np
import pytest

from rareseg.inference.pixel_fit import Misfit, PixelTally
from rareseg.types import Window

MEAN, STD = (120.0, 90.0), (45.0, 40.0)


def fresh(seed: int = 0, *, shift: float = 0.0) -> np.ndarray:
    """An image of two bands as in training."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(2, 40, 50))
    return np.clip(noise * np.array(STD)[:, None, None] + np.array(MEAN)[:, None, None] + shift, 0, 255)


def told(image: np.ndarray, mean=MEAN, std=STD) -> Misfit | None:
    """Read in tiles, as prediction does."""
    tally = PixelTally(lambda window: image[:, *window.slices])
    height, width = image.shape[1:]
    for row in range(0, height, 16):
        for col in range(0, width, 16):
            tally(Window(row, col, min(16, height - row), min(16, width - col)))
    return tally.misfit(mean=mean, std=std)


@pytest.mark.parametrize("shift", [-60, 0, 60])
def test_images_like_those_of_training_fit(shift: float) -> None:
    assert told(fresh(shift=shift).astype(np.uint8)) is None


def test_a_sound_image_without_texture_fits() -> None:
    assert told(np.full((2, 30, 30), 105, np.uint8)) is None


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda image: image / 255, "divided by 255 (0 to 1 instead of 0 to 255)"),
        (lambda image: (image * 257).astype(np.uint16), "multiplied by 257 (16 bit instead of 8 bit)"),
        (lambda image: (image - 120) / 45, "normalised already"),
        (lambda image: image * 10 + 3000, "another unit or exposure, or bands in another order"),
    ],
)
def test_another_scale_is_told_with_its_cause(change, cause: str) -> None:
    found = told(change(fresh()))
    assert found is not None
    assert cause in found.cause


def test_reflectance_as_a_share() -> None:
    """Means and deviations of the solar study's red and near infrared bands."""
    mean, std = (946.2, 2493.8), (419.2, 477.1)
    rng = np.random.default_rng(1)
    image = rng.normal(size=(2, 30, 30)) * np.array(std)[:, None, None] + np.array(mean)[:, None, None]
    assert told(image, mean, std) is None
    found = told(image / 10_000, mean, std)
    assert found is not None
    assert "divided by 10000 (a share instead of a reflectance times 10000)" in found.cause
    normalised = told((image - np.array(mean)[:, None, None]) / np.array(std)[:, None, None], mean, std)
    assert normalised is not None
    assert "normalised already" in normalised.cause
    swapped = told(image[::-1], (300.0, 2493.8), (40.0, 477.1))
    assert swapped is not None
    assert "bands in another order" in swapped.cause


def test_the_range_of_bytes_where_training_had_0_to_1() -> None:
    found = told(fresh(), (0.47, 0.35), (0.18, 0.16))
    assert found is not None
    assert "multiplied by 255 (0 to 255 instead of 0 to 1)" in found.cause


def test_numbers_are_those_of_the_file() -> None:
    image = fresh() / 255
    found = told(image)
    assert found is not None
    # Band 0 lies 2.7 deviations off, band 1 lies 2.2.
    assert (found.band, found.trained_mean, found.trained_std) == (0, 120, 45)
    assert found.mean == pytest.approx(image[0].mean())
    assert found.std == pytest.approx(image[0].std())
    assert str(found).startswith(
        f"band 0 has mean {image[0].mean():.4g} and deviation {image[0].std():.4g}, the"
    )


def test_missing_values_do_not_count() -> None:
    image = fresh()
    image[:, :5] = np.nan
    assert told(image) is None
    assert told(np.full((2, 8, 8), np.nan)) is None
