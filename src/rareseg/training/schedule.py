"""Learning-rate schedules as pure functions of the step, so that a resumed run needs no scheduler state."""

from __future__ import annotations

import math

from rareseg.config.study import ScheduleSettings

__all__ = ["schedule_factor"]


def schedule_factor(step: int, steps: int, settings: ScheduleSettings) -> float:
    """Factor on the learning rate at optimizer step ``step`` (from 0) of ``steps``.

    Example:
        >>> schedule_factor(500, 1000, ScheduleSettings(name="cosine"))
        0.5
    """
    if step < settings.warmup_steps:
        return (step + 1) / settings.warmup_steps
    progress = (step - settings.warmup_steps) / max(1, steps - settings.warmup_steps)
    if settings.name == "cosine":
        return (1 + math.cos(math.pi * progress)) / 2
    if settings.name == "polynomial":
        return float((1 - progress) ** 0.9)
    return 1.0
