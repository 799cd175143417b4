"""Which checkpoints tell whether a training has converged."""

from __future__ import annotations

from typing import Final

__all__ = ["LATE_SHARE", "first_late_step", "late_checkpoints"]

LATE_SHARE: Final = 0.3
"""Share of the steps that counts as late: the foil thesis looks at 7000 to 10 000 (section 3.5.1)."""
_NUM_EVALUATIONS: Final = 7


def first_late_step(steps: int) -> int:
    """The first step that counts as late in a run of ``steps``.

    Example:
        >>> first_late_step(10_000)
        7000
    """
    return round((1 - LATE_SHARE) * steps)


def late_checkpoints(steps: int) -> list[int]:
    """Steps to keep for stability over iterations, as ``record.checkpoint_steps`` of a study wants them.

    With the last step, which is judged anyhow, they are seven in equal distance over the last 30 % of the
    run: for the 10 000 steps of the foil thesis every 500 from 7000. Runs of fewer than 20 steps have fewer.

    Args:
        steps: Steps of the budget.

    Example:
        >>> late_checkpoints(10_000)
        [7000, 7500, 8000, 8500, 9000, 9500]
    """
    first = max(1, first_late_step(steps))
    span, parts = steps - first, _NUM_EVALUATIONS - 1
    return sorted({first + round(span * part / parts) for part in range(parts)} - {steps})
