"""Does a result depend on when training stopped, or on its seed? (section 3.5.1 of the foil thesis)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rareseg.errors import DataError
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.cube import make_cube
from rareseg.metrics.rates import rates

__all__ = ["Stability", "stability_over_runs", "stability_over_steps"]

STABLE_BELOW = 0.05
"""Standard deviation under which the thesis calls a training stable."""


@dataclass(frozen=True)
class Stability:
    """Standard deviation (n - 1) of the class means of tpr, fpr and precision."""

    sd: Mapping[str, float]
    num_evaluations: int
    stable: bool
    """Whether every deviation is below 0.05; False where one is undefined."""


def stability_over_steps(table: CountsTable, *, first_step: int, leave_out: Sequence[str] = ()) -> Stability:
    """Spread over the later checkpoints of one run (PSoI): has training converged?

    Args:
        table: Counts of one split at several steps.
        first_step: Earliest step that counts (the thesis: 7000 of 10 000, every 500).
        leave_out: Classes that the means do not count, such as the background.

    Raises:
        DataError: Fewer than two steps are left.

    Example:
        >>> table = CountsTable()
        >>> for step, hit in ((7000, 80), (7500, 82)):
        ...     table.append(step=step, split="val", image="a", group="", class_names=["crack"],
        ...                  counts=[[hit, 5, 100 - hit, 900]])
        >>> result = stability_over_steps(table, first_step=7000)
        >>> round(result.sd["tpr"], 4), result.stable
        (0.0141, True)
    """
    steps = [step for step in table.steps if step >= first_step]
    return _stability([table.select(step=step) for step in steps], leave_out, f"steps from {first_step} on")


def stability_over_runs(tables: Sequence[CountsTable], *, leave_out: Sequence[str] = ()) -> Stability:
    """Spread over trainings with different seeds (PSoMT): does chance decide?

    Args:
        tables: Counts of one step and split for each run.
        leave_out: Classes that the means do not count, such as the background.

    Raises:
        DataError: Fewer than two tables came.
    """
    return _stability(tables, leave_out, "runs")


def _stability(tables: Sequence[CountsTable], leave_out: Sequence[str], what: str) -> Stability:
    if len(tables) < 2:
        raise DataError(f"A spread needs at least two {what}, but there are {len(tables)}; evaluate more.")
    means = np.array([_class_means(table, leave_out) for table in tables])
    spread = means.std(axis=0, ddof=1)
    sd = {name: float(value) for name, value in zip(("tpr", "fpr", "precision"), spread, strict=True)}
    return Stability(sd=sd, num_evaluations=len(tables), stable=bool((spread < STABLE_BELOW).all()))


def _class_means(table: CountsTable, leave_out: Sequence[str]) -> list[float]:
    """Means of tpr, fpr and precision over the kept classes; NaN where a class is undefined."""
    cube = make_cube(table)
    kept = [index for index, name in enumerate(cube.class_names) if name not in leave_out]
    if not kept:
        raise DataError(f"No class is left after leaving out {list(leave_out)}; leave out fewer.")
    found = rates(*cube.values.sum(axis=0)[kept].T)
    return [float(rate.mean()) for rate in (found.tpr, found.fpr, found.precision)]
