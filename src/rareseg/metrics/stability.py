"""Does a result depend on when training stopped, or on its seed? (section 3.5.1 of the foil thesis)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import DataError, UnknownNameError
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.cube import make_cube
from rareseg.metrics.rate_samples import mean_over_classes
from rareseg.metrics.rates import RATE_NAMES, rate_columns

__all__ = [
    "MARKED_RATES",
    "STABLE_BELOW",
    "Mark",
    "Stability",
    "pass_mark",
    "stability_over_runs",
    "stability_over_steps",
]

STABLE_BELOW: Final = 0.05
"""Standard deviation under which the thesis calls a training stable."""
MARKED_RATES: Final = ("tpr", "fpr", "precision")
"""Rates that the mark of Table 4.1 rests on."""
Mark = Literal["passes", "passes but for the first", "fails", "undefined"]
"""``passes``: every marked deviation is below 0.05. ``passes but for the first``: so it is without the earliest
checkpoint, which Table 4.1 lets pass with a note. ``undefined``: nothing fails, but a rate is undefined at some
evaluation, so that it has no deviation."""


@dataclass(frozen=True)
class Stability:
    """Standard deviations (n - 1) of every rate between evaluations, pooled over pixels."""

    class_names: tuple[str, ...]
    """The class, or the classes that were averaged."""
    sd: Mapping[str, float]
    """By the names in `RATE_NAMES`; NaN where a rate is undefined at some evaluation."""
    sd_but_first: Mapping[str, float]
    """The same without the earliest checkpoint; empty between runs, whose order means nothing."""
    num_evaluations: int

    @property
    def mark(self) -> Mark:
        """Whether it passes as Table 4.1 has it."""
        return pass_mark(self.sd, self.sd_but_first)


def pass_mark(sd: Mapping[str, float], sd_but_first: Mapping[str, float] | None = None) -> Mark:
    """Judge deviations of TPR, FPR and precision as Table 4.1 of the foil thesis does.

    Note that the FPR of a rare class is so small that its deviation can hardly reach the mark.

    Example:
        >>> pass_mark({"tpr": 0.013, "fpr": 0.0004, "precision": 0.018})
        'passes'
        >>> pass_mark({"tpr": 0.068, "fpr": 0.0015, "precision": 0.035})
        'fails'
    """
    if _below(sd):
        return "passes"
    if sd_but_first and _below(sd_but_first):
        return "passes but for the first"
    return "fails" if any(sd[rate] >= STABLE_BELOW for rate in MARKED_RATES) else "undefined"


def _below(sd: Mapping[str, float]) -> bool:
    return all(sd[rate] < STABLE_BELOW for rate in MARKED_RATES)


def stability_over_steps(
    table: CountsTable, *, first_step: int, leave_out: Sequence[str] = ()
) -> list[Stability]:
    """Spread over the later checkpoints of one run (PSoI): has training converged?

    Args:
        table: Counts of one split at several steps.
        first_step: Earliest step that counts (the thesis: 7000 of 10 000, every 500).
        leave_out: Classes that the mean over classes does not count, such as the background.

    Returns:
        Each class, and last the mean over the classes not left out.

    Raises:
        DataError: Fewer than two steps are left, or no class.
        UnknownNameError: A class to leave out is not in the table.

    Example:
        >>> table = CountsTable()
        >>> for step, hit in ((7000, 80), (7500, 82)):
        ...     table.append(step=step, split="val", image="a", group="", class_names=["crack"],
        ...                  counts=[[hit, 5, 100 - hit, 900]])
        >>> crack, _ = stability_over_steps(table, first_step=7000)
        >>> round(crack.sd["tpr"], 4), crack.mark
        (0.0141, 'passes')
    """
    steps = [step for step in table.steps if step >= first_step]
    chosen = [table.select(step=step) for step in steps]
    return _stability(chosen, leave_out, f"steps from {first_step} on", ordered=True)


def stability_over_runs(tables: Sequence[CountsTable], *, leave_out: Sequence[str] = ()) -> list[Stability]:
    """Spread over trainings with different seeds (PSoMT): does chance decide?

    Args:
        tables: Counts of one step and split for each run.
        leave_out: Classes that the mean over classes does not count, such as the background.

    Returns:
        Each class, and last the mean over the classes not left out.

    Raises:
        DataError: Fewer than two tables came, their classes differ, or no class is left.
        UnknownNameError: A class to leave out is not in the tables.
    """
    return _stability(tables, leave_out, "runs", ordered=False)


def _stability(
    tables: Sequence[CountsTable], leave_out: Sequence[str], what: str, *, ordered: bool
) -> list[Stability]:
    if len(tables) < 2:
        raise DataError(f"A spread needs at least two {what}, but there are {len(tables)}; evaluate more.")
    cubes = [make_cube(table) for table in tables]
    names = cubes[0].class_names
    for cube in cubes:
        if cube.class_names != names:
            raise DataError(
                f"All {what} should have the classes {names}, but one has {cube.class_names}; "
                "compare evaluations of one dataset."
            )
    for name in leave_out:
        if name not in names:
            raise UnknownNameError("class", name, names)
    kept = tuple(name for name in names if name not in leave_out)
    if not kept:
        raise DataError(f"No class is left after leaving out {list(leave_out)}; leave out fewer.")
    values = np.stack([rate_columns(cube.values.sum(axis=0)) for cube in cubes])
    found = []
    for chosen in (*((name,) for name in names), kept):
        # As everywhere, a mean counts the classes whose rate is defined at some evaluation.
        counted = np.isin(names, chosen)[:, None] & ~np.isnan(values).all(axis=0)
        means = mean_over_classes(values, counted)
        but_first = _deviations(means[1:]) if ordered and len(means) > 2 else {}
        found.append(Stability(chosen, _deviations(means), but_first, len(means)))
    return found


def _deviations(values: NDArray[np.float64]) -> dict[str, float]:
    """``(evaluations, rates)`` to the deviation of each rate; NaN where one value is."""
    return dict(zip(RATE_NAMES, values.std(axis=0, ddof=1).tolist(), strict=True))
