"""The strip without defects: rolling texture, uneven light, and ends without steel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rareseg.data.steel_settings import SteelSettings

__all__ = ["roll_steel", "smooth_noise"]

Array = NDArray[np.float32]


def roll_steel(rng: np.random.Generator, settings: SteelSettings) -> tuple[Array, tuple[int, int]]:
    """Grey values ``(h, w)`` of a strip, 0 to 255, and the first and the last column but one that hold steel.

    Streaks run down the rows, the direction of rolling; light changes along the columns.
    """
    height, width = settings.size
    scale = height / 256
    grain = smooth_noise(rng, settings.size, (1.6 * scale, 0.7 * scale))
    streaks = smooth_noise(rng, settings.size, (40 * scale, 1.2 * scale))
    clouds = smooth_noise(rng, settings.size, (30 * scale, 18 * scale))
    texture = 1 + 0.055 * grain + 0.045 * streaks + 0.045 * clouds
    level = float(np.clip(rng.lognormal(np.log(92), 0.32), 35, 185))
    grey = level * _light(rng, width)[None, :] * texture
    first, last = _steel_columns(rng, settings)
    # The edge of the steel wavers by a few pixels from row to row.
    edge = 1.5 * scale * smooth_noise(rng, (height, 1), (14 * scale, 0))[:, 0]
    cols = np.arange(width)[None, :]
    bare = (first > 0) & (cols < first + edge[:, None]) | (last < width) & (cols >= last + edge[:, None])
    dark = 1.5 + 1.2 * np.abs(rng.standard_normal(settings.size, dtype=np.float32))
    margin = round(8 * scale)
    inside = (first + margin if first > 0 else 0, last - margin if last < width else width)
    return np.where(bare, dark, grey).astype(np.float32), inside


def smooth_noise(rng: np.random.Generator, size: tuple[int, int], sigma: tuple[float, float]) -> Array:
    """Gaussian noise of unit variance that changes over about ``sigma`` rows and columns."""
    from scipy.ndimage import gaussian_filter

    noise: Array = gaussian_filter(rng.standard_normal(size, dtype=np.float32), sigma, mode="reflect")
    return noise / np.float32(max(float(noise.std()), 1e-6))


def _light(rng: np.random.Generator, width: int) -> Array:
    """Brightness of every column around 1: a few long waves."""
    places = np.linspace(0, 1, width)
    light = np.ones(width)
    for waves in (0.5, 1.0, 2.0, 3.5):
        light += rng.normal(0, 0.11) * np.sin(2 * np.pi * (waves * places + rng.random()))
    return np.clip(light, 0.45, 1.5).astype(np.float32)


def _steel_columns(rng: np.random.Generator, settings: SteelSettings) -> tuple[int, int]:
    """First column with steel and first one behind it."""
    width = settings.size[1]
    has_end, at_left, share = rng.random() < settings.dark_ends, rng.random() < 0.5, rng.uniform(0.04, 0.5)
    if not has_end:
        return 0, width
    cut = round(share * width)
    return (cut, width) if at_left else (0, width - cut)
