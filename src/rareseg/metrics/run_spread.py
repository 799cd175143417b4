"""How surely a mean over few runs is known: groups by bootstrap, runs by Student's t."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rareseg.metrics.intervals import percentile_interval

__all__ = ["RunSpread"]

_ROUNDING = 1e-12
"""Equal runs have a standard error of this size, for figures of the order of 1, by rounding alone."""


@dataclass(frozen=True)
class RunSpread:
    """What is believed of a figure that was judged on some groups and averaged over some runs.

    The groups' part is their bootstrap. Three runs are too few for one: drawing them with replacement
    understates their variance by a third and knows no tails, so that intervals said to hold 95 % held 77 to
    91 % with three runs in `benchmarks/interval_coverage.py`. The runs' part is therefore a t distribution
    around each draw of groups (runs taken as normal), which held 95 to 97 % there. What groups and runs do
    together counts in both parts, so the interval errs on the wide side.

    Args:
        value: The figure.
        samples: ``(resamples,)`` the figure in each draw of groups, over all runs; NaN where undefined.
        num_groups: Groups behind the figure. Draws are stretched by sqrt(n / (n - 1)) around the value, since
            n drawn from n spread too little by that factor.
        error: Standard error of the mean over runs; 0 for a single run, whose spread is unknown.
        freedom: Degrees of freedom of ``error``.

    Example:
        >>> alone = RunSpread(value=0.2, samples=np.full(5, 0.2), num_groups=9, error=0.1, freedom=2)
        >>> low, high = alone.interval(0.95)
        >>> round(low, 3), round(high, 3)  # 0.2 -+ 4.303 * 0.1
        (-0.23, 0.63)
        >>> round(alone.share_above_zero(), 3)
        0.908
    """

    value: float
    samples: NDArray[np.float64]
    num_groups: int
    error: float = 0.0
    freedom: float = 1.0

    def interval(self, level: float) -> tuple[float, float]:
        """Ends of the central ``level`` of the distribution; NaN where no sample is defined."""
        draws = self._draws()
        if not len(draws):
            return np.nan, np.nan
        if self.error < _ROUNDING:
            low, high = percentile_interval(draws, level)
            return float(low), float(high)
        tail = (1 - level) / 2
        return self._quantile(draws, tail), self._quantile(draws, 1 - tail)

    def share_above_zero(self) -> float:
        """Chance that the figure is above 0; a tie counts half, NaN where no sample is defined."""
        from scipy.special import stdtr

        draws = self._draws()
        if not len(draws):
            return np.nan
        if self.error < _ROUNDING:
            return float(np.mean(draws > 0) + np.mean(draws == 0) / 2)
        return float(np.mean(stdtr(self.freedom, draws / self.error)))

    def _draws(self) -> NDArray[np.float64]:
        defined = self.samples[~np.isnan(self.samples)]
        stretch = np.sqrt(self.num_groups / (self.num_groups - 1)) if self.num_groups > 1 else 1.0
        # Without this rule a draw equal to the value would move by a rounding, and a tie be lost.
        return np.where(defined == self.value, defined, self.value + stretch * (defined - self.value))

    def _quantile(self, draws: NDArray[np.float64], share: float) -> float:
        """Where the mixture of t distributions, one around each draw, reaches ``share``."""
        from scipy.optimize import brentq
        from scipy.special import stdtr, stdtrit

        reach = self.error * float(stdtrit(self.freedom, share))
        # One t distribution alone would reach it at draw + reach, so the answer lies between these two; the
        # margin keeps roundings inside.
        low, high = float(draws.min()) + reach, float(draws.max()) + reach
        margin = 1e-6 * self.error
        return float(
            brentq(
                lambda x: float(stdtr(self.freedom, (x - draws) / self.error).mean()) - share,
                low - margin,
                high + margin,
            )
        )
