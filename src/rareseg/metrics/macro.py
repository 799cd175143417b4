"""Averages over classes, each saying which classes and how many it counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import UnknownNameError
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.cube import make_cube
from rareseg.metrics.estimate import Estimate
from rareseg.metrics.intervals import check_interval
from rareseg.metrics.rate_samples import RateSamples, draw_rate_samples, estimate_rates, mean_over_classes
from rareseg.metrics.rates import RATE_NAMES

__all__ = ["MacroAverage", "macro_averages"]


@dataclass(frozen=True)
class MacroAverage:
    """Mean over classes of each rate; a class whose rate is undefined does not count."""

    left_out: tuple[str, ...]
    """Classes that were left out on purpose."""
    num_classes: Mapping[str, int]
    """Per rate: the classes that the mean counts."""
    pooled: Mapping[str, Estimate]
    mean_over_images: Mapping[str, Estimate]


def macro_averages(
    table: CountsTable,
    *,
    leave_out: Sequence[Sequence[str]] = ((),),
    interval: float = 0.95,
    num_resamples: int = 1000,
    seed: int = 0,
    beta: float = 1.0,
) -> list[MacroAverage]:
    """Average the rates of one step and split over classes, once for each list of classes to leave out.

    The draws are those of `summarise`. A resample in which one of the counted classes is undefined is left
    out, and there is no interval where one of them has none.

    Args:
        table: Counts of one step and split.
        leave_out: One list for each average: ``[(), ("background",)]`` gives all classes, then all but one.
        interval: Share of the resamples inside the interval.
        num_resamples: Number of resamples.
        seed: Equal seeds give equal intervals.
        beta: Weight of recall in ``f_beta``.

    Raises:
        UnknownNameError: A class to leave out is not in the table.
        DataError: The table is empty or holds several steps or splits.
        OptionError: ``interval``, ``num_resamples`` or ``beta`` is out of range.

    Example:
        >>> table = CountsTable()
        >>> table.append(step=1, split="test", image="a", group="", class_names=["background", "crack"],
        ...              counts=np.array([[96, 1, 1, 2], [2, 1, 1, 96]]))
        >>> both, rare = macro_averages(table, leave_out=[(), ("background",)])
        >>> both.num_classes["tpr"], rare.num_classes["tpr"], round(rare.pooled["tpr"].value, 3)
        (2, 1, 0.667)
    """
    check_interval(interval, num_resamples)
    cube = make_cube(table)
    for name in (name for names in leave_out for name in names):
        if name not in cube.class_names:
            raise UnknownNameError("class", name, cube.class_names)
    samples = draw_rate_samples(cube, num_resamples=num_resamples, seed=seed, beta=beta)
    averages = []
    for names in leave_out:
        kept = np.array([name not in names for name in cube.class_names])
        averages.append(_average(samples, kept, tuple(names), interval))
    return averages


def _average(
    samples: RateSamples, kept: NDArray[np.bool_], left_out: tuple[str, ...], interval: float
) -> MacroAverage:
    counts = kept[:, None] & ~np.isnan(samples.pooled)
    # The weakest class bounds what the average can claim.
    far = np.iinfo(np.int64).max
    numbers = {
        name: np.where(counts.any(axis=0), np.where(counts, number, far).min(axis=0, initial=far), 0)
        for name, number in (("num_images", samples.num_images), ("num_groups", samples.num_groups))
    }
    return MacroAverage(
        left_out=left_out,
        num_classes={name: int(counts[:, i].sum()) for i, name in enumerate(RATE_NAMES)},
        pooled=estimate_rates(
            mean_over_classes(samples.pooled, counts),
            mean_over_classes(samples.pooled_samples, counts),
            interval=interval,
            **numbers,
        ),
        mean_over_images=estimate_rates(
            mean_over_classes(samples.mean, counts),
            mean_over_classes(samples.mean_samples, counts),
            interval=interval,
            **numbers,
        ),
    )
