"""What is longer than the run is refused when a study is loaded, and what is just short enough is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from rareseg.config.recipe import EarlyStoppingSettings, ScheduleSettings
from rareseg.config.study import load_study_settings
from rareseg.config.takes_effect import validation_steps
from rareseg.errors import ConfigError
from rareseg.study.run_study import run_study
from rareseg.training.schedule import schedule_factor
from rareseg.training.score_history import ScoreHistory
from tiny import make_tiny_dataset, make_tiny_study

STEPS = 40


def load(folder: Path, recipe: dict[str, Any], **changes: Any) -> None:
    study = {"name": "s", "budget": {"steps": STEPS}, "strategies": {"a": recipe}, **changes}
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    load_study_settings(folder)


@pytest.mark.parametrize(
    ("recipe", "every", "message"),
    [
        (
            {"schedule": {"name": "step", "every": 40}},
            None,
            r"s: strategies\.a: schedule\.every is 40, but the run has only 40 steps, so the rate never falls; set it "
            r"below 40",
        ),
        (
            {"schedule": {"name": "plateau", "patience": 3}},
            10,
            r"schedule\.patience is 3 validations after the first, but a run of 40 steps has only 3 before its end, so "
            r"the rate never falls; lower the patience or record\.validate_every",
        ),
        (
            {"early_stopping": {"patience": 9}},
            None,
            r"early_stopping\.patience is 9 validations .* has only 9 before its end, so training never ends early",
        ),
        (
            {"patch_sizes": {"sizes": [32, 48], "every": 40}},
            None,
            r"patch_sizes\.every is 40, but the run has only 40 steps, so the second size never has its turn",
        ),
    ],
)
def test_what_outlasts_the_run_is_refused(
    recipe: dict[str, Any], every: int | None, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        load(tmp_path, recipe, record={"validate_every": every})


@pytest.mark.parametrize(
    ("recipe", "every"),
    [
        ({"schedule": {"name": "step", "every": 39}}, None),
        ({"schedule": {"name": "plateau", "patience": 2}}, 10),
        ({"early_stopping": {"patience": 8}}, None),
        ({"patch_sizes": {"sizes": [32, 48], "every": 39}}, None),
        ({"schedule": "cosine"}, 100),
    ],
)
def test_what_just_fits_is_taken(recipe: dict[str, Any], every: int | None, tmp_path: Path) -> None:
    load(tmp_path, recipe, record={"validate_every": every})


@pytest.mark.parametrize("every", [7, 10, 20, 40, 50])
@pytest.mark.parametrize("patience", [1, 2, 3, 4, 5])
def test_the_bound_is_exact(every: int, patience: int, tmp_path: Path) -> None:
    """Refused just where a run whose first score is never beaten would notice nothing."""
    plateau = ScheduleSettings(name="plateau", patience=patience)
    early = EarlyStoppingSettings(patience=patience)
    history, falls, stops = ScoreHistory(), False, False
    for step in range(STEPS):
        falls |= schedule_factor(step, STEPS, plateau, history) < 1
        if (step + 1) % every == 0 and step + 1 < STEPS:
            history.add(step + 1, 0.5)
            stops |= history.should_stop(early)
    assert len(validation_steps(STEPS, every)) == len(history.state())
    for recipe, notices in (
        ({"schedule": plateau.model_dump()}, falls),
        ({"early_stopping": early.model_dump()}, stops),
    ):
        record = {"validate_every": every}
        if notices:
            load(tmp_path, recipe, record=record)
        else:
            with pytest.raises(ConfigError, match=rf"patience is {patience} validations"):
                load(tmp_path, recipe, record=record)


def test_steps_that_members_share_are_what_counts(tmp_path: Path) -> None:
    """Two members at equal cost have half of the steps each; only the run knows how many classes there are."""
    study = make_tiny_study(
        tmp_path,
        make_tiny_dataset(tmp_path / "data"),
        strategies={
            "a": {
                "head": {"name": "one_vs_rest", "budget": "shared"},
                "schedule": {"name": "step", "every": 6},
            }
        },
    )
    settings = load_study_settings(study)
    with pytest.raises(ConfigError, match=r"strategies\.a: .*every is 6, but the run has only 6 steps"):
        run_study(settings, tmp_path / "runs", device="cpu")
