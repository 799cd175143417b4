"""Images of a height field under several lights, with the noise of a sensor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rareseg.data.foil_settings import FoilSettings

__all__ = ["capture"]


def capture(
    rng: np.random.Generator,
    height: NDArray[np.float32],
    albedo: NDArray[np.float32],
    lights: NDArray[np.float64],
    settings: FoilSettings,
) -> NDArray[np.uint16]:
    """Lambertian images ``(n, h, w)`` of a surface: cosine shading, attached shadows, optics, sensor noise.

    Args:
        rng: Source of the noise.
        height: Heights ``(h, w)`` in pixels.
        albedo: Reflected share of the light ``(h, w)``.
        lights: Unit directions ``(n, 3)`` in the frame of `photometric_stereo`.
        settings: Electrons, read noise and bit depth.
    """
    from scipy.ndimage import gaussian_filter

    down, right = np.gradient(height)
    facing = albedo / np.sqrt(right**2 + down**2 + 1)
    largest = 2**settings.bits - 1
    images = np.empty((len(lights), *height.shape), np.uint16)
    for image, (x, y, z) in zip(images, lights.astype(np.float32), strict=True):
        shading = facing * np.maximum(z - x * right - y * down, 0)
        signal = settings.electrons * gaussian_filter(shading, 0.6)
        noise = rng.standard_normal(height.shape, dtype=np.float32)
        signal += noise * np.sqrt(signal + np.float32(settings.read_noise**2))
        image[:] = np.clip(np.rint(signal * (largest / settings.electrons)), 0, largest)
    return images
