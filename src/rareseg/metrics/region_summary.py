"""Share of true regions found and false alarms a megapixel, with intervals over groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rareseg.metrics.cube import make_cube
from rareseg.metrics.estimate import Estimate
from rareseg.metrics.intervals import check_interval, percentile_interval, resampled_sums
from rareseg.metrics.rates import ratio
from rareseg.metrics.region_table import RegionTable

__all__ = ["RegionSummary", "summarise_regions"]


@dataclass(frozen=True)
class RegionSummary:
    """Detection of one class by regions, pooled over all images."""

    class_name: str
    num_true: int
    num_hit: int
    num_predicted: int
    num_false: int
    megapixels: float
    """Area that was judged, ignored pixels not counted."""
    recall: Estimate
    """Hit true regions / true regions; NaN without true regions."""
    precision: Estimate
    """Predicted regions that are right / predicted regions; NaN without predicted regions."""
    false_per_megapixel: Estimate
    """False predicted regions / megapixels."""


def summarise_regions(
    table: RegionTable, *, interval: float = 0.95, num_resamples: int = 1000, seed: int = 0
) -> list[RegionSummary]:
    """Summarise the regions of one step and split of one run, class by class.

    Args:
        table: Regions of one step and split.
        interval: Share of the resamples (of groups) inside the interval.
        num_resamples: Number of resamples.
        seed: Equal seeds give equal intervals.

    Raises:
        DataError: The table is empty or holds several steps or splits.
        OptionError: ``interval`` or ``num_resamples`` is out of range.

    Example:
        >>> table = RegionTable()
        >>> for name, counts in {"a": [[3, 2, 5, 3]], "b": [[1, 1, 1, 0]]}.items():
        ...     table.append(step=1, split="test", image=name, group="", counts=counts, megapixels=0.5,
        ...                  class_names=["crack"])
        >>> crack = summarise_regions(table)[0]
        >>> crack.recall.value, crack.false_per_megapixel.value
        (0.75, 3.0)
    """
    check_interval(interval, num_resamples)
    cube = make_cube(table)
    sums = cube.by_group(cube.values)
    total, drawn = sums.sum(axis=0), resampled_sums(sums, num_resamples=num_resamples, seed=seed)
    value, samples = _figures(total), _figures(drawn)
    low, high = percentile_interval(samples, interval)
    num_images = np.count_nonzero(~np.isnan(_figures(cube.values)), axis=0)
    # As with pixels: groups without the class tell nothing about the spread of its recall and precision.
    with_class = (sums[..., :1] > 0) | np.array([False, False, True])
    num_groups = np.count_nonzero(~np.isnan(_figures(sums)) & with_class, axis=0)
    summaries = []
    for index, name in enumerate(cube.class_names):
        estimates = [
            Estimate(
                value=float(value[index, i]),
                low=float(low[index, i]) if num_groups[index, i] >= 2 else np.nan,
                high=float(high[index, i]) if num_groups[index, i] >= 2 else np.nan,
                num_images=int(num_images[index, i]),
                num_groups=int(num_groups[index, i]),
            )
            for i in range(3)
        ]
        num_true, num_hit, num_predicted, num_false = (int(count) for count in total[index, :4])
        summaries.append(
            RegionSummary(
                name, num_true, num_hit, num_predicted, num_false, float(total[index, 4]), *estimates
            )
        )
    return summaries


def _figures(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(..., 5)`` columns of the table to ``(..., 3)``: recall, precision, false regions a megapixel."""
    num_true, num_hit, num_predicted, num_false, megapixels = np.moveaxis(values, -1, 0)
    return np.stack(
        [
            ratio(num_hit, num_true),
            ratio(num_predicted - num_false, num_predicted),
            ratio(num_false, megapixels),
        ],
        axis=-1,
    )
