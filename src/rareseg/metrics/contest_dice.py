"""The Dice of contests: a mean over pairs of image and class, in which rightly predicting nothing counts as 1."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import DataError, UnknownNameError
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.cube import Cube, make_cube
from rareseg.metrics.intervals import check_interval, resampled_sums
from rareseg.metrics.rates import ratio
from rareseg.metrics.runs_summary import RunsEstimate

__all__ = ["contest_dice"]


def contest_dice(
    tables: Sequence[CountsTable],
    *,
    class_names: Sequence[str],
    interval: float = 0.95,
    num_resamples: int = 1000,
    seed: int = 0,
) -> RunsEstimate:
    """Mean Dice over all pairs of an image and a class, as the contest on Severstal's steel sheets scored it.

    Where neither the mask nor the prediction holds the class, the Dice of the pair is 1; where only one of them does,
    it is 0. On data of mostly sound images this rewards silence: predicting nothing scores the share of pairs
    without the class, and one false pixel on a sound image costs a whole image. Elsewhere in this package such pairs
    are undefined and do not count. A pair without a single judged pixel (all ignored) does not count here either.

    Intervals are made as in `summarise_runs`.

    Args:
        tables: One table of one step and split for each run.
        class_names: Classes that are scored, as a rule all but the background.
        interval: Share of the resamples inside the interval.
        num_resamples: Number of resamples.
        seed: Equal seeds give equal intervals.

    Raises:
        UnknownNameError: A class is not in the tables.
        DataError: No table, no class, or several steps or splits in one table.
        OptionError: ``interval`` or ``num_resamples`` is out of range.

    Source:
        https://www.kaggle.com/c/severstal-steel-defect-detection/overview/evaluation

    Example:
        >>> table = CountsTable()
        >>> for name, counts in {"a": [3, 1, 1, 95], "b": [0, 0, 0, 100], "c": [0, 2, 0, 98]}.items():
        ...     table.append(step=1, split="test", image=name, group="", counts=[counts], class_names=["crack"])
        >>> round(contest_dice([table], class_names=["crack"]).mean, 4)  # of 0.75, 1 and 0
        0.5833
    """
    check_interval(interval, num_resamples)
    if not tables or not class_names:
        raise DataError(
            f"A table for each run and a class to score were expected, but {len(tables)} tables and "
            f"{len(class_names)} classes came; give one of each at least."
        )
    cubes = [make_cube(table) for table in tables]
    groups = sorted({group for cube in cubes for group in cube.groups})
    pairs = [_pairs(cube, class_names) for cube in cubes]
    resample = functools.partial(resampled_sums, num_resamples=num_resamples, seed=seed)
    sums, numbers = (
        np.stack(
            [cube.spread(of_run[part], groups) for cube, of_run in zip(cubes, pairs, strict=True)], axis=1
        )
        for part in (0, 1)
    )
    return RunsEstimate.of(
        ratio(sums.sum(axis=0), numbers.sum(axis=0)),
        ratio(resample(sums), resample(numbers)),
        num_groups=int((numbers.sum(axis=1) > 0).sum()),
        num_classes=len(class_names),
        interval=interval,
    )


def _pairs(cube: Cube, class_names: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each image ``(images,)``: the sum of the Dice of its pairs, and their number."""
    for name in class_names:
        if name not in cube.class_names:
            raise UnknownNameError("class", name, cube.class_names)
    chosen = cube.values[:, [cube.class_names.index(name) for name in class_names]]
    tp, fp, fn, _ = np.moveaxis(chosen, -1, 0)
    dice = ratio(2 * tp, 2 * tp + fp + fn)
    judged = chosen.sum(axis=-1) > 0
    scored = np.where(judged, np.where(np.isnan(dice), 1.0, dice), 0.0)
    return scored.sum(axis=1), judged.sum(axis=1).astype(np.float64)
