from __future__ import annotations

import pytest

from rareseg.config.recipe import ScheduleSettings
from rareseg.training.schedule import schedule_factor


@pytest.mark.parametrize(
    ("name", "warmup", "step", "expected"),
    [
        ("constant", 0, 99, 1.0),
        ("constant", 10, 4, 0.5),
        ("cosine", 0, 0, 1.0),
        ("cosine", 0, 25, 0.5 + 0.5 * 2**-0.5),
        ("cosine", 20, 60, 0.5),
        ("polynomial", 0, 50, 0.5**0.9),
        ("polynomial", 50, 75, 0.5**0.9),
    ],
)
def test_factor_by_hand(name: str, warmup: int, step: int, expected: float) -> None:
    settings = ScheduleSettings.model_validate({"name": name, "warmup_steps": warmup})
    assert schedule_factor(step, 100, settings) == pytest.approx(expected, abs=1e-12)
