"""Mean, spread and range of each band, gathered block by block."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BandSums"]

Bands = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BandSums:
    """Sums over the finite values of ``c`` bands; the sums of two blocks can be joined.

    Deviations are taken from each block's own mean and joined as Chan, Golub and LeVeque (1979) do, so large
    offsets such as reflectance times 10 000 cost no digits.

    Args:
        number: Finite values, ``(c,)``.
        mean: Their mean.
        squares: Sum of squared deviations from the mean.
        minimum: Smallest value; infinite where there is none.
        maximum: Largest value; minus infinite where there is none.
        num_missing: NaN and infinite values.

    Example:
        >>> sums = BandSums.of(np.array([[[1, 3]]])).joined(BandSums.of(np.array([[[5, np.nan]]])))
        >>> float(sums.mean[0]), round(float(sums.std[0]), 3), int(sums.num_missing[0])
        (3.0, 1.633, 1)
    """

    number: Bands
    mean: Bands
    squares: Bands
    minimum: Bands
    maximum: Bands
    num_missing: Bands

    @classmethod
    def of(cls, image: NDArray[Any]) -> BandSums:
        """Sums of one block ``(c, h, w)``."""
        values = image.reshape(image.shape[0], -1).astype(np.float64)
        total = float(values.shape[1])
        if total == 0:
            return cls.empty(image.shape[0])
        finite = np.isfinite(values)
        number = finite.sum(axis=1).astype(np.float64)
        if (number == total).all():
            mean = values.mean(axis=1)
            minimum, maximum = values.min(axis=1), values.max(axis=1)
            values -= mean[:, None]
        else:
            mean = np.where(finite, values, 0).sum(axis=1) / np.maximum(number, 1)
            minimum = np.where(finite, values, np.inf).min(axis=1)
            maximum = np.where(finite, values, -np.inf).max(axis=1)
            values = np.where(finite, values - mean[:, None], 0)
        return cls(number, mean, np.einsum("ij,ij->i", values, values), minimum, maximum, total - number)

    @classmethod
    def empty(cls, num_bands: int) -> BandSums:
        """Sums over nothing."""
        zeros, endless = np.zeros(num_bands), np.full(num_bands, np.inf)
        return cls(zeros, zeros, zeros, endless, -endless, zeros)

    @classmethod
    def all_of(cls, parts: Iterable[BandSums], num_bands: int) -> BandSums:
        """Sums over all ``parts``."""
        return reduce(cls.joined, parts, cls.empty(num_bands))

    def joined(self, other: BandSums) -> BandSums:
        """Sums over both."""
        number = self.number + other.number
        share = other.number / np.maximum(number, 1)
        gap = other.mean - self.mean
        return BandSums(
            number=number,
            mean=self.mean + gap * share,
            squares=self.squares + other.squares + gap * gap * self.number * share,
            minimum=np.minimum(self.minimum, other.minimum),
            maximum=np.maximum(self.maximum, other.maximum),
            num_missing=self.num_missing + other.num_missing,
        )

    @property
    def std(self) -> Bands:
        """Standard deviation of the population, ``(c,)``; NaN where a band has no value."""
        with np.errstate(invalid="ignore"):
            return np.asarray(np.sqrt(self.squares / np.where(self.number > 0, self.number, np.nan)))
