"""How many pixels of one class there are for each pixel of another (Table 3.2 of the foil thesis)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

__all__ = ["RatioMatrix", "ratio_matrix"]


@dataclass(frozen=True, eq=False)
class RatioMatrix:
    """Class-to-class ratios.

    Args:
        values: ``(k, k)``; row a, column b holds pixels of b for each pixel of a. Infinite where only a has
            no pixels, NaN where neither has.
        text: The same as a reader writes it, ``"39:1"`` or ``"1:1571"``; empty where a class has no pixels.
    """

    values: NDArray[np.float64]
    text: tuple[tuple[str, ...], ...]


def ratio_matrix(pixels: Sequence[int]) -> RatioMatrix:
    """Compare the pixel counts of every two classes.

    Ratios from 2 on are rounded to whole numbers, smaller ones are written as the nearest fraction of
    numbers up to 4, such as 3:4.

    Args:
        pixels: Pixels of each class.

    Example:
        >>> ratio_matrix([61341642, 39040, 550683, 752734]).text[1]
        ('1:1571', '1:1', '1:14', '1:19')
        >>> ratio_matrix([550683, 752734]).text
        (('1:1', '3:4'), ('4:3', '1:1'))
    """
    counts = np.asarray(pixels, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = counts[None, :] / counts[:, None]
    text = tuple(tuple(_write(int(a), int(b)) for b in pixels) for a in pixels)
    return RatioMatrix(values, text)


def _write(a: int, b: int) -> str:
    if a == 0 or b == 0:
        return ""
    if a >= 2 * b:
        return f"{round(a / b)}:1"
    if b >= 2 * a:
        return f"1:{round(b / a)}"
    share = Fraction(min(a, b), max(a, b)).limit_denominator(4)
    small, large = share.numerator, share.denominator
    return f"{small}:{large}" if a <= b else f"{large}:{small}"
