"""Learning-rate schedules as pure functions of the step and the scores, so that a resumed run needs no scheduler."""

from __future__ import annotations

import math

from rareseg.config.recipe import ScheduleSettings
from rareseg.training.score_history import ScoreHistory

__all__ = ["schedule_factor"]


def schedule_factor(
    step: int, steps: int, settings: ScheduleSettings, history: ScoreHistory | None = None
) -> float:
    """Factor on the learning rate at optimizer step ``step`` (from 0) of ``steps``.

    Args:
        step: Step that is about to be made.
        steps: Steps of the whole run.
        settings: The schedule.
        history: Validation scores so far; only the schedule ``plateau`` asks.

    Example:
        >>> schedule_factor(500, 1000, ScheduleSettings(name="cosine"))
        0.5
        >>> schedule_factor(500, 1000, ScheduleSettings(name="step", every=200, factor=0.5))
        0.25
    """
    if step < settings.warmup_steps:
        return (step + 1) / settings.warmup_steps
    progress = (step - settings.warmup_steps) / max(1, steps - settings.warmup_steps)
    if settings.name == "cosine":
        return (1 + math.cos(math.pi * progress)) / 2
    if settings.name == "polynomial":
        return float((1 - progress) ** 0.9)
    if settings.name == "step":
        assert settings.every is not None  # checked with the settings
        return max(settings.least, settings.factor ** (step // settings.every))
    if settings.name == "plateau":
        return (history or ScoreHistory()).plateau_factor(settings)
    return 1.0
