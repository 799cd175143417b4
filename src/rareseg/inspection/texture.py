"""Thumbnails reduced to what survives another exposure: fine structure, evened out over the image."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Texture", "texture"]

NOTHING = 1e-6
FLAT = 0.05
BLOCK = 256


class Texture(NamedTuple):
    """Structure of ``n`` images and where there is any.

    Args:
        values: ``(n, s, s)`` float32, about 1 in size where there is structure, 0 where there is none.
        valid: ``(n, s, s)`` bool; False on flat ground, such as pixels clipped to black or white.
    """

    values: NDArray[np.float32]
    valid: NDArray[np.bool_]


def texture(
    thumbnails: NDArray[np.float32], *, blur: float, spread: float, floor: float, stripes: bool
) -> Texture:
    """Subtract the local mean and divide by the local contrast.

    Brightness falls out with the mean, contrast with the division, and a smooth change of exposure over the
    image with both. Strong structure, such as one bright scratch, then weighs no more than faint grain, so
    that two images are alike only when they are alike all over.

    Args:
        thumbnails: ``(n, s, s)`` float32.
        blur: Standard deviation in pixels of the Gaussian that takes the local mean.
        spread: That of the Gaussian over which contrast is taken.
        floor: Least contrast divided by, as a share of the contrast of the whole image; keeps noise small.
        stripes: Whether to keep what runs along whole rows and columns. Tool marks, scan lines and frames do,
            and make different objects look alike.
    """
    values = np.empty(thumbnails.shape, np.float32)
    valid = np.empty(thumbnails.shape, np.bool_)
    for start in range(0, len(thumbnails), BLOCK):
        block = slice(start, start + BLOCK)
        values[block], valid[block] = _even_out(thumbnails[block], blur, spread, floor)
        if not stripes:
            values[block] = _without_stripes(values[block], valid[block])
    return Texture(values, valid)


def _even_out(thumbnails: NDArray[np.float32], blur: float, spread: float, floor: float) -> Texture:
    from scipy.ndimage import gaussian_filter

    detail = thumbnails - gaussian_filter(thumbnails, (0, blur, blur), mode="reflect")
    local = np.sqrt(np.maximum(gaussian_filter(detail * detail, (0, spread, spread), mode="reflect"), 0))
    overall = np.sqrt((detail * detail).mean(axis=(1, 2), keepdims=True))
    # Rounding leaves traces of structure in a constant image; they must not be magnified.
    blank = overall <= NOTHING * np.abs(thumbnails).max(axis=(1, 2), keepdims=True)
    valid = (local > FLAT * overall) & ~blank
    values = np.where(valid, detail / np.where(blank, 1, local + floor * overall), 0)
    return Texture(values.astype(np.float32), valid)


def _without_stripes(values: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
    for axis in (1, 2):
        number = np.maximum(valid.sum(axis=axis, keepdims=True), 1)
        values = np.where(valid, values - values.sum(axis=axis, keepdims=True) / number, 0)
    return values.astype(np.float32)
