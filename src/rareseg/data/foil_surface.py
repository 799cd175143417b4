"""The coating without defects: grain, streaks of the blade, waviness and albedo."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rareseg.data.foil_settings import FoilSettings

__all__ = ["coat"]

Array = NDArray[np.float32]


def coat(rng: np.random.Generator, settings: FoilSettings) -> tuple[Array, Array]:
    """Height in pixels and albedo of an evenly coated foil, each ``(h, w)`` float32.

    Grain is band-limited noise; streaks run along the direction of transport (rows); waves are long.
    """
    size = settings.size
    grain = _noise(rng, size, period=8.0, elongation=1.0)
    fine = _noise(rng, size, period=4.0, elongation=1.0)
    streaks = _noise(rng, size, period=14.0, elongation=25.0)
    # The slope of noise of unit variance and period p is about 2 pi / p / sqrt(2) along each axis.
    height = settings.grain * (8.0 * 0.75 * (grain + 0.15 * grain**2) + 4.0 * 0.55 * fine) / 4.4
    height += settings.grain * 0.2 * 14.0 / 4.4 * streaks
    height += _waves(rng, size, slope=settings.waviness)
    mottle = _noise(rng, size, period=45.0, elongation=1.5)
    albedo = 0.42 * (1 + 0.02 * grain + 0.02 * fine + 0.015 * mottle)
    return height.astype(np.float32), albedo.astype(np.float32)


def _noise(rng: np.random.Generator, size: tuple[int, int], *, period: float, elongation: float) -> Array:
    """Noise of unit variance around a wavelength of ``period`` columns and ``elongation * period`` rows."""
    from scipy import fft

    height, width = (fft.next_fast_len(max(n, round(4 * period)), real=True) for n in size)
    spectrum = fft.rfft2(rng.standard_normal((height, width), dtype=np.float32))
    rows = fft.fftfreq(height).astype(np.float32)[:, None] * np.float32(elongation)
    cols = fft.rfftfreq(width).astype(np.float32)[None, :]
    octaves = np.log2(np.maximum(np.hypot(rows, cols) * np.float32(period), np.float32(1e-6)))
    gain = np.exp(-0.5 * (octaves / np.float32(0.6)) ** 2)
    # Parseval: columns other than 0 and the last of an even width stand for two frequencies.
    twice = np.full(gain.shape[1], 2.0)
    twice[0] = 1.0
    if width % 2 == 0:
        twice[-1] = 1.0
    power = float((gain.astype(np.float64) ** 2 @ twice).sum()) / (height * width)
    noise: Array = fft.irfft2(spectrum * gain, s=(height, width))[: size[0], : size[1]]
    return noise / np.float32(np.sqrt(max(power, 1e-12)))


def _waves(rng: np.random.Generator, size: tuple[int, int], *, slope: float) -> Array:
    """A sum of long plane waves, as two thin matrices whose product it is."""
    count = 12
    frequency = 2 * np.pi / rng.uniform(150, 600, count)
    direction = rng.uniform(0, 2 * np.pi, count)
    amplitude = slope / frequency * np.sqrt(4 / count)
    rows = np.arange(size[0])[:, None] * (frequency * np.sin(direction)) + rng.uniform(0, 2 * np.pi, count)
    cols = np.arange(size[1])[:, None] * (frequency * np.cos(direction))
    left = np.concatenate([np.cos(rows) * amplitude, -np.sin(rows) * amplitude], axis=1)
    right = np.concatenate([np.cos(cols), np.sin(cols)], axis=1)
    waves: Array = (left @ right.T).astype(np.float32)
    return waves
