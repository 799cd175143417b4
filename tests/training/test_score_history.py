"""What follows from validation scores, worked out by hand, and the plateau of torch as a reference."""

from __future__ import annotations

import math

import pytest
import torch

from rareseg.config.recipe import EarlyStoppingSettings, ScheduleSettings
from rareseg.training.score_history import ScoreHistory

SCORES = [0.1, 0.3, 0.3, 0.31, 0.2, 0.25, 0.2, 0.5, 0.5, 0.4]


def history(scores: list[float]) -> ScoreHistory:
    return ScoreHistory([(10 * (number + 1), score) for number, score in enumerate(scores)])


def test_the_first_of_the_highest_scores_is_the_best() -> None:
    assert history(SCORES).best_step == 80
    assert history([]).best_step is None
    assert history([math.nan, 0.0]).best_step == 20
    assert history([math.nan]).best_step is None


def test_adding_tells_whether_it_is_the_best() -> None:
    found = ScoreHistory()
    assert [found.add(step, score) for step, score in ((1, 0.2), (2, 0.1), (3, math.nan), (4, 0.3))] == [
        True,
        False,
        False,
        True,
    ]


def test_a_rise_within_min_delta_is_none() -> None:
    assert history([0.1, 0.3, 0.305, 0.31]).stale(min_delta=0.02) == 2
    assert history([0.1, 0.3, 0.305, 0.31]).stale(min_delta=0.0) == 0


@pytest.mark.parametrize(("patience", "stops"), [(1, 3), (2, 6), (3, 7), (4, None)])
def test_training_stops_when_patience_runs_out(patience: int, stops: int | None) -> None:
    settings = EarlyStoppingSettings(patience=patience)
    found = [number for number in range(1, 11) if history(SCORES[:number]).should_stop(settings)]
    assert (found[0] if found else None) == stops
    assert not history(SCORES).should_stop(None)


@pytest.mark.parametrize("patience", [1, 2, 3])
def test_the_plateau_falls_where_torch_lets_it_fall(patience: int) -> None:
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    # torch counts the validations that it forgives, so that its patience is one less.
    reference = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer,
        mode="max",
        factor=0.5,
        patience=patience - 1,
        threshold=0.015,
        threshold_mode="abs",
        min_lr=0.2,
    )
    settings = ScheduleSettings(name="plateau", factor=0.5, patience=patience, min_delta=0.015, least=0.2)
    for number, score in enumerate(SCORES, start=1):
        reference.step(score)
        assert history(SCORES[:number]).plateau_factor(settings) == optimizer.param_groups[0]["lr"]


def test_the_state_gives_the_same_history() -> None:
    before = history([0.2, math.nan, 0.1])
    again = ScoreHistory(before.state())
    assert before.state() == [(10, 0.2), (20, None), (30, 0.1)]
    assert again.best_step == 10
    assert again.stale(min_delta=0) == 2
