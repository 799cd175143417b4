"""The cluster bootstrap: groups are drawn with replacement, and intervals read off the draws."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import OptionError

__all__ = ["check_interval", "group_weights", "percentile_interval", "resampled_sums"]

# Weights held at once; bounds memory to about 64 MB for any number of groups.
_BLOCK = 1 << 22


def group_weights(
    num_groups: int, *, num_resamples: int, seed: int, stream: int = 0
) -> Iterator[NDArray[np.float64]]:
    """Yield how often each group was drawn, in blocks of resamples that together have ``num_resamples`` rows.

    Every row ``(num_groups,)`` sums to ``num_groups``. The draws are a pure function of the arguments;
    different ``stream`` numbers give independent draws.

    Example:
        >>> weights = np.concatenate(list(group_weights(3, num_resamples=2, seed=0)))
        >>> weights.shape, weights.sum(axis=1).tolist()
        ((2, 3), [3.0, 3.0])
    """
    generator = np.random.default_rng(np.random.SeedSequence([seed, stream, num_groups]))
    rows = max(1, _BLOCK // max(1, num_groups))
    for start in range(0, num_resamples, rows):
        num_rows = min(rows, num_resamples - start)
        drawn = generator.integers(num_groups, size=(num_rows, num_groups))
        drawn += np.arange(num_rows)[:, None] * num_groups
        counted = np.bincount(drawn.reshape(-1), minlength=num_rows * num_groups)
        yield counted.reshape(num_rows, num_groups).astype(np.float64)


def resampled_sums(values: NDArray[np.generic], *, num_resamples: int, seed: int) -> NDArray[np.float64]:
    """Sum ``values`` over each resample's groups.

    Args:
        values: ``(num_groups, ...)``.
        num_resamples: Number of resamples.
        seed: Calls with equal seeds and numbers of groups draw equal groups, so that two quantities pair up.

    Returns:
        ``(num_resamples, ...)``.
    """
    num_groups = len(values)
    flat = values.reshape(num_groups, -1).astype(np.float64)
    blocks = [weights @ flat for weights in group_weights(num_groups, num_resamples=num_resamples, seed=seed)]
    return np.concatenate(blocks).reshape(num_resamples, *values.shape[1:])


def percentile_interval(
    samples: NDArray[np.float64], interval: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Low and high ends of the central ``interval`` of the samples along the first axis.

    Undefined samples (NaN) are left out; where none is defined the ends are NaN. Between two samples the end
    is interpolated linearly.

    Example:
        >>> low, high = percentile_interval(np.array([0.0, 1.0, 2.0, 3.0, 4.0, np.nan]), 0.5)
        >>> float(low), float(high)
        (1.0, 3.0)
    """
    ordered = np.sort(samples, axis=0)  # NaN goes to the end
    num_defined = np.count_nonzero(~np.isnan(ordered), axis=0)
    tail = (1 - interval) / 2
    return _quantile(ordered, num_defined, tail), _quantile(ordered, num_defined, 1 - tail)


def check_interval(interval: float, num_resamples: int) -> None:
    """Refuse an interval or a number of resamples that gives no meaningful bootstrap.

    Raises:
        OptionError: ``interval`` is not inside 0 to 1, or ``num_resamples`` is below 1.
    """
    if not 0 < interval < 1:
        raise OptionError(f"'interval' should lie between 0 and 1, but is {interval}; 0.95 is usual.")
    if num_resamples < 1:
        raise OptionError(f"'num_resamples' should be at least 1, but is {num_resamples}; 1000 is usual.")


def _quantile(
    ordered: NDArray[np.float64], num_defined: NDArray[np.intp] | int, share: float
) -> NDArray[np.float64]:
    position = np.maximum(np.asarray(num_defined) - 1, 0) * share
    below = np.floor(position).astype(np.intp)
    above = np.minimum(below + 1, np.maximum(np.asarray(num_defined) - 1, 0))
    low = np.take_along_axis(ordered, below[None], axis=0)[0]
    high = np.take_along_axis(ordered, above[None], axis=0)[0]
    result: NDArray[np.float64] = low + (high - low) * (position - below)
    return result
