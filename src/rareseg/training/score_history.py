"""Validation scores so far, and what follows from them: the plateau schedule, early stopping, the best step."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rareseg.config.recipe import EarlyStoppingSettings, ScheduleSettings

__all__ = ["ScoreHistory"]


class ScoreHistory:
    """Scores by step, as plain numbers that a checkpoint keeps; everything else is a function of them.

    A score that is not a number (no rare class in the sample) counts as no better than any.

    Args:
        rows: ``(step, score)`` of the validations of an interrupted run.

    Example:
        >>> history = ScoreHistory([(10, 0.1), (20, 0.3), (30, 0.3), (40, 0.2)])
        >>> history.best_step, history.stale(min_delta=0.0)
        (20, 2)
    """

    def __init__(self, rows: Sequence[tuple[int, float | None]] = ()) -> None:
        self._rows = [(int(step), math.nan if score is None else float(score)) for step, score in rows]

    def add(self, step: int, score: float) -> bool:
        """Note a score; True where it is the best so far."""
        self._rows.append((step, score))
        return self.best_step == step

    def state(self) -> list[tuple[int, float | None]]:
        """Plain values for the checkpoint."""
        return [(step, None if math.isnan(score) else score) for step, score in self._rows]

    @property
    def best_step(self) -> int | None:
        """The first step with the highest score; None before there is one."""
        known = [(score, -step) for step, score in self._rows if not math.isnan(score)]
        return -max(known)[1] if known else None

    def stale(self, *, min_delta: float) -> int:
        """Validations in a row, up to the last, that did not beat the best before them by more than ``min_delta``."""
        return self._falls(min_delta=min_delta, patience=None)[1]

    def should_stop(self, settings: EarlyStoppingSettings | None) -> bool:
        """Whether training ends here."""
        return settings is not None and self.stale(min_delta=settings.min_delta) >= settings.patience

    def plateau_factor(self, settings: ScheduleSettings) -> float:
        """Factor of the learning rate after these validations: it falls once every ``patience`` without a rise."""
        falls, _ = self._falls(min_delta=settings.min_delta, patience=settings.patience)
        return max(settings.least, settings.factor**falls)

    def _falls(self, *, min_delta: float, patience: int | None) -> tuple[int, int]:
        """How often patience ran out (the wait starts anew each time), and how long the last wait is."""
        best, waited, falls = -math.inf, 0, 0
        for _, score in self._rows:
            if score > best + min_delta:
                best, waited = score, 0
            else:
                waited += 1
                if patience is not None and waited >= patience:
                    falls, waited = falls + 1, 0
        return falls, waited
