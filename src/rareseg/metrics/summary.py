"""What one evaluation says about each class: pooled and per-image rates with intervals over groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.cube import Cube, make_cube
from rareseg.metrics.estimate import Estimate
from rareseg.metrics.intervals import check_interval
from rareseg.metrics.rate_samples import RateSamples, draw_rate_samples, estimate_rates

__all__ = ["ClassSummary", "summarise"]


@dataclass(frozen=True)
class ClassSummary:
    """Counts and rates of one class; the rates are keyed by the names in `RATE_NAMES`."""

    class_name: str
    tp: int
    fp: int
    fn: int
    tn: int
    num_images: int
    """Images that were judged."""
    num_images_with_class: int
    num_groups: int
    num_groups_with_class: int
    """Below 2 the rates of the class's own pixels have no interval (NaN): one object tells no spread."""
    pooled: Mapping[str, Estimate]
    """Rates of the summed counts: every pixel weighs the same."""
    mean_over_images: Mapping[str, Estimate]
    """Means of the images' rates over those images where the rate is defined."""

    @property
    def support(self) -> int:
        """Pixels of the class in the target."""
        return self.tp + self.fn


def summarise(
    table: CountsTable,
    *,
    interval: float = 0.95,
    num_resamples: int = 1000,
    seed: int = 0,
    beta: float = 1.0,
) -> list[ClassSummary]:
    """Summarise one step and split of one run, class by class.

    Intervals are percentiles of a cluster bootstrap: whole groups are drawn with replacement, because images
    of one object are not independent; images without a group stand for themselves. Resamples in which a rate
    is undefined are left out.

    Args:
        table: Counts of one step and split.
        interval: Share of the resamples inside the interval.
        num_resamples: Number of resamples.
        seed: Equal seeds give equal intervals.
        beta: Weight of recall in ``f_beta``.

    Raises:
        DataError: The table is empty or holds several steps or splits.
        OptionError: ``interval``, ``num_resamples`` or ``beta`` is out of range.

    Example:
        >>> table = CountsTable()
        >>> for name, counts in {"a": [[8, 1, 1, 90]], "b": [[3, 0, 1, 96]], "c": [[0, 0, 0, 100]]}.items():
        ...     table.append(step=1, split="test", image=name, group="", counts=counts, class_names=["crack"])
        >>> crack = summarise(table)[0]
        >>> crack.support, crack.num_images_with_class, round(crack.pooled["tpr"].value, 3)
        (13, 2, 0.846)
        >>> mean = crack.mean_over_images["tpr"]
        >>> round(mean.value, 3), mean.num_images
        (0.819, 2)
    """
    check_interval(interval, num_resamples)
    cube = make_cube(table)
    samples = draw_rate_samples(cube, num_resamples=num_resamples, seed=seed, beta=beta)
    return [_of_class(cube, samples, index, interval) for index in range(len(cube.class_names))]


def _of_class(cube: Cube, samples: RateSamples, index: int, interval: float) -> ClassSummary:
    tp, fp, fn, tn = (int(count) for count in cube.values[:, index].sum(axis=0))
    present = cube.values[:, index, 0] + cube.values[:, index, 2]
    numbers = {"num_images": samples.num_images[index], "num_groups": samples.num_groups[index]}
    return ClassSummary(
        class_name=cube.class_names[index],
        tp=tp,
        fp=fp,
        fn=fn,
        tn=tn,
        num_images=len(cube.images),
        num_images_with_class=int((present > 0).sum()),
        num_groups=len(cube.groups),
        num_groups_with_class=int((cube.by_group(present) > 0).sum()),
        pooled=estimate_rates(
            samples.pooled[index], samples.pooled_samples[:, index], interval=interval, **numbers
        ),
        mean_over_images=estimate_rates(
            samples.mean[index], samples.mean_samples[:, index], interval=interval, **numbers
        ),
    )
