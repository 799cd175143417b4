"""Whether an image holds the numbers that a network was trained on: the right unit, scale and bands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from rareseg.inference.predictor import ReadWindow
from rareseg.types import Window

__all__ = ["Misfit", "PixelSums", "PixelTally"]

_SIDE = 512
"""Rows and columns up to which all pixels of a window are looked at."""
_FAR = 6.0
"""An image whose mean is further than this from that of training, in standard deviations of a pixel, does not fit."""
_FLAT = 0.05
"""One whose pixels vary by less than this share of what they did in training does not either, if its mean is off too:
pixels in 0 to 1 where training had 0 to 255 are flat and lie only two or three deviations away."""
_OFF = 1.0
_SCALES = (
    (255.0, "0 to 1", "0 to 255"),
    (257.0, "8 bit", "16 bit"),
    (10_000.0, "a share", "a reflectance times 10000"),
    (65_535.0, "0 to 1", "16 bit"),
)
"""Factors that pixels are divided or multiplied by without notice, and what the smaller and larger numbers are."""


@dataclass(frozen=True)
class Misfit:
    """One band of an image against the same band of the training images, in the file's own numbers."""

    band: int
    mean: float
    std: float
    trained_mean: float
    trained_std: float
    cause: str

    def __str__(self) -> str:
        return (
            f"band {self.band} has mean {self.mean:.4g} and deviation {self.std:.4g}, the training images had "
            f"{self.trained_mean:.4g} and {self.trained_std:.4g}; {self.cause}"
        )


class PixelSums(TypedDict):
    """Of each band, over the values that are not missing."""

    number: list[float]
    sum: list[float]
    squares: list[float]


class PixelTally:
    """Reads windows as another reader does and adds up what it hands on, band by band; missing values do not count.

    Of a window of more than 512 x 512 pixels, every second (third, ...) row and column is looked at.

    Args:
        read: The reader.
        before: `sums` of another tally, which this one goes on from.

    Example:
        >>> image = np.linspace(0, 1, 12).reshape(1, 3, 4)
        >>> tally = PixelTally(lambda window: image[:, *window.slices])
        >>> _ = tally(Window(0, 0, 3, 4))
        >>> print(tally.misfit(mean=[120.0], std=[60.0]).cause)
        the pixels look divided by 255 (0 to 1 instead of 0 to 255)
    """

    def __init__(self, read: ReadWindow, *, before: PixelSums | None = None) -> None:
        self._read = read
        start = before or PixelSums(number=[], sum=[], squares=[])
        self._number: NDArray[np.float64] | float = np.array(start["number"] or 0.0)
        self._sum: NDArray[np.float64] | float = np.array(start["sum"] or 0.0)
        self._squares: NDArray[np.float64] | float = np.array(start["squares"] or 0.0)

    def __call__(self, window: Window) -> NDArray[np.generic]:
        """The pixels ``(c, h, w)`` of a window."""
        pixels = self._read(window)
        step = max(1, -(-math.isqrt(window.area) // _SIDE))
        values = np.asarray(pixels[:, ::step, ::step], np.float64)
        known = np.isfinite(values)
        values = np.where(known, values, 0.0)
        self._number = self._number + known.sum(axis=(1, 2))
        self._sum = self._sum + values.sum(axis=(1, 2))
        self._squares = self._squares + np.square(values).sum(axis=(1, 2))
        return pixels

    @property
    def sums(self) -> PixelSums:
        """What was added up so far."""
        number, total, squares = (
            np.atleast_1d(value).tolist() for value in (self._number, self._sum, self._squares)
        )
        return PixelSums(number=number, sum=total, squares=squares)

    def misfit(self, *, mean: Sequence[float], std: Sequence[float]) -> Misfit | None:
        """The band that is furthest from training, where it is too far; None where all fit.

        Args:
            mean: Of each band over the training images.
            std: Standard deviation of the pixels of each band, above 0.
        """
        number = np.atleast_1d(self._number)
        if len(number) != len(mean) or not (number > 0).all():
            return None
        own = np.atleast_1d(self._sum) / number
        spread = np.sqrt(np.maximum(0.0, np.atleast_1d(self._squares) / number - own**2))
        trained, deviation = np.asarray(mean), np.asarray(std)
        distance = np.abs(own - trained) / deviation
        wrong = (distance > _FAR) | ((distance > _OFF) & (spread < _FLAT * deviation))
        if not wrong.any():
            return None
        band = int(np.argmax(np.where(wrong, distance, -1.0)))
        figures = (float(own[band]), float(spread[band]), float(trained[band]), float(deviation[band]))
        return Misfit(band, *figures, cause=_cause(*figures[:3]))


def _cause(mean: float, std: float, trained_mean: float) -> str:
    """What most likely happened to the pixels."""
    if abs(mean) < 0.5 and 0.5 < std < 2:
        return "the pixels look normalised already, which the network does itself"
    small, large = sorted((mean, trained_mean))
    for factor, smaller, larger in _SCALES if small > 0 else ():
        # Means of images differ, so a factor is named where it explains the ratio up to two.
        if (small > 1) == (smaller == "8 bit") and abs(np.log(large / small / factor)) < np.log(2):
            if mean < trained_mean:
                return f"the pixels look divided by {factor:.0f} ({smaller} instead of {larger})"
            return f"the pixels look multiplied by {factor:.0f} ({larger} instead of {smaller})"
    return "they may have another unit or exposure, or bands in another order"
