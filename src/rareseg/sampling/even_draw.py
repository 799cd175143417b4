"""Draws whose totals keep to what was planned over every stretch of patches, not only in the long run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["EvenDraw", "even_kinds"]

_PERIODS = tuple(1 << power for power in range(6, 17))
_STEPS = np.array([(5**0.5 - 1) / 2, 2**0.5 - 1, 3**0.5 - 1, 7**0.5 - 2])
"""Multiples of these, wrapped into [0, 1), leave the most even gaps: their continued fractions have small terms."""
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class EvenDraw:
    """Draws things by their weights such that totals of a period are hardly left to chance.

    Things that weigh alike are laid side by side on the line from 0 to 1, each as long as its weight. The line
    is cut into ``period`` equal parts, and each part is visited once in a period, in an order that leaps evenly
    over the line and changes from period to period; where in the part the draw falls is left to chance. So the
    total over a period varies only by the differences within the parts, and every batch is spread over all of
    them. The order of parts follows from the index alone and is the same for all seeds.

    The period is the shortest power of two from 64 to 65 536 for which the largest class total is within
    ``tolerance`` of the smallest even if both are three standard deviations off.

    Args:
        weights: ``(n,)`` positive, of sum 1.
        counts: ``(n, k)`` what is totalled, such as pixels of classes.
        tolerance: Largest over smallest total minus 1.

    Attributes:
        period: Patches after which every part has been visited once.
        deviation: ``(k,)`` standard deviation of the total over a period, as a part of the total.
        reached: Ratio of totals minus 1 that a period keeps to; above ``tolerance`` where no period is enough.
    """

    def __init__(
        self, weights: NDArray[np.float64], counts: NDArray[np.integer], *, tolerance: float
    ) -> None:
        mean = weights @ counts
        relative = counts / mean
        self._order = np.lexsort((relative.max(axis=1), relative.argmax(axis=1)))
        sums = np.cumsum(weights[self._order])
        self._bounds = np.concatenate([[0.0], sums / sums[-1]])
        for period in _PERIODS:
            self.period = period
            self.deviation = self._deviation(relative[self._order], period)
            off = 3 * self.deviation.max()
            self.reached = float(mean.max() / mean.min() * (1 + off) / (1 - off) - 1) if off < 1 else np.inf
            if self.reached <= tolerance:
                break
        self._steps = (_STEPS * self.period).astype(np.int64) | 1

    def choose(self, u: NDArray[np.float64], index: NDArray[np.int64] | None) -> NDArray[np.int64]:
        """Number of the thing for each patch; without an index, ``u`` alone decides."""
        if index is None:
            place = u
        else:
            turn, step = np.divmod(index, self.period)
            part = step * self._steps[turn % len(self._steps)] % self.period
            place = (part + u) / self.period
        found = np.searchsorted(self._bounds[1:-1], place, side="right")
        return np.asarray(self._order[found])

    def _deviation(self, relative: NDArray[np.float64], period: int) -> NDArray[np.float64]:
        edges = np.linspace(0, 1, period + 1)
        weights = np.diff(self._bounds)[:, None]

        def means(values: NDArray[np.floating]) -> NDArray[np.float64]:
            sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(weights * values, axis=0)])
            ends = [np.interp(edges, self._bounds, column) for column in sums.T]
            return np.asarray(np.diff(ends, axis=1) * period, np.float64)

        variance = np.maximum(means(relative**2) - means(relative) ** 2, 0)
        return np.asarray(np.sqrt(variance.sum(axis=1)) / period, np.float64)


def even_kinds(index: NDArray[np.int64]) -> NDArray[np.float64]:
    """Numbers in [0, 1) that any stretch of indices spreads evenly: wrapped multiples of the golden section.

    A share of the line gets its share of every stretch, give or take six patches in a hundred thousand.

    Example:
        >>> np.histogram(even_kinds(np.arange(100, 200)), bins=4, range=(0, 1))[0].tolist()
        [24, 25, 25, 26]
    """
    return np.asarray(((index.astype(np.uint64) * _GOLDEN) >> np.uint64(11)) * 2.0**-53, np.float64)
