"""A figure with its interval and with what stands behind it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Estimate"]


@dataclass(frozen=True)
class Estimate:
    """A value, its bootstrap interval, and how many images and groups define it.

    ``low`` and ``high`` are NaN where fewer than two groups stand behind the value: no interval can be had
    from one object.

    Example:
        >>> str(Estimate(value=0.5, low=0.4, high=0.625, num_images=30, num_groups=8))
        '0.500 [0.400, 0.625]'
    """

    value: float
    low: float
    high: float
    num_images: int
    """Images in which the rate is defined (its denominator is not 0)."""
    num_groups: int
    """Groups behind the interval: those in which the rate is defined and, for a rate that speaks of the
    class's own pixels, the class occurs."""

    def __str__(self) -> str:
        if self.low != self.low:
            return f"{self.value:.3f} [no interval]"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"
