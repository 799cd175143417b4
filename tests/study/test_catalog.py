"""What every strategy of the catalogue promises. A new one is covered by being filed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from rareseg.artefacts import read_json, read_parquet
from rareseg.cli.main import main
from rareseg.config.catalog import CATALOG
from rareseg.config.recipe import RecipeSettings
from rareseg.config.study import StudySettings, load_study_settings
from rareseg.errors import MissingExtraError, UnknownNameError
from rareseg.models.build import build_model
from rareseg.study.load_run import load_run
from rareseg.study.run_study import run_study
from tiny import SMALL_MODELS, make_tiny_dataset, make_tiny_study

STEPS = 4
# What waits longer than these few steps would be refused.
SHORTER = {"patient": {"use": "patient", "early_stopping": {"patience": 2}}}


def small(name: str) -> dict[str, Any]:
    """A strategy of the catalogue in one line of a study, its model as small as a test needs it."""
    model = CATALOG[name].change.get("model")
    return {} if model is None else {"use": name, "model": {**SMALL_MODELS.get(model["name"], {}), **model}}


def _missing_extra(name: str) -> str | None:
    """Why a strategy cannot be trained here, where it needs a package that is not installed."""
    model = CATALOG[name].change.get("model", {"name": "unet"})
    try:
        with torch.device("meta"):
            build_model(model, in_channels=1, num_classes=2)
    except MissingExtraError as error:
        return str(error)
    return None


def _mark(name: str) -> Any:
    missing = _missing_extra(name)
    return pytest.param(name, marks=pytest.mark.skipif(missing is not None, reason=missing or ""))


TRAINED = [_mark(name) for name in CATALOG]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny dataset with a blank image in each part."""
    folder = make_tiny_dataset(tmp_path_factory.mktemp("data"))
    for name in ("im00", "im03", "im06"):
        Image.fromarray(np.zeros((72, 88), np.uint8)).save(folder / "masks" / f"{name}.png")
    return folder


@pytest.fixture(scope="module")
def runs(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every strategy of the catalogue, named in one line of a study, trained for a few steps."""
    folder = tmp_path_factory.mktemp("catalogue")
    names = [name for name in CATALOG if _missing_extra(name) is None]
    study = make_tiny_study(
        folder,
        tiny,
        strategies={name: SHORTER.get(name) or small(name) for name in names},
        base={"model": {**SMALL_MODELS["unet"], "name": "unet", "depth": 3}},
        budget={"steps": STEPS, "batch_size": 4, "patch_size": 32},
        record={"log_every": 1, "validate_every": 1},
        evaluate=["test"],
    )
    outcome = run_study(load_study_settings(study), folder / "runs", device="cpu")
    assert not outcome.failed
    assert len(outcome.finished) == len(names)
    return folder / "runs"


@pytest.mark.parametrize("name", TRAINED)
def test_a_strategy_trains_and_is_judged(name: str, runs: Path) -> None:
    folder = runs / name / "seed-0"
    assert read_json(folder / "status.json", kind="status")["state"] == "finished"
    rows = read_parquet(folder / "counts.parquet").to_pylist()
    assert {row["class"] for row in rows} == {"background", "square", "line"}
    assert all(sum(row[key] for key in ("tp", "fp", "fn", "tn")) == 72 * 88 for row in rows)
    exposure = read_json(folder / "exposure.json", kind="exposure")
    assert sum(exposure["pixels"].values()) + exposure["ignored_pixels"] == exposure["num_patches"] * 32 * 32


# A gate leaves its segmenter as it is, see test_heads.py; `patient` differs only after more validations than a test
# can afford, see test_recipes.py.
@pytest.mark.parametrize(
    "name", [_mark(name) for name in CATALOG if name not in ("baseline", "image_gate", "patient")]
)
def test_a_strategy_is_not_the_baseline(name: str, runs: Path) -> None:
    """Each leaves other weights, or other models, than plain training does."""
    logs = [(runs / other / "seed-0" / "log.csv").read_text().splitlines() for other in (name, "baseline")]
    losses = [[line.split(",")[1] for line in lines[1:]] for lines in logs]
    assert losses[0] != losses[1]


@pytest.mark.parametrize("name", TRAINED)
def test_a_strategy_predicts_again_what_it_predicted(name: str, runs: Path, tiny: Path) -> None:
    folder = runs / name / "seed-0"
    image = np.asarray(Image.open(tiny / "images" / "im07.png"))[None]
    labels = load_run(folder, device="cpu").judge.labels(
        lambda window: image[:, *window.slices], *image.shape[1:]
    )
    assert np.array_equal(labels, np.asarray(Image.open(folder / "predictions" / "test" / "im07.png")))


@pytest.mark.parametrize("name", CATALOG)
def test_a_strategy_is_described(name: str) -> None:
    entry = CATALOG[name]
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
    assert 10 < len(entry.summary) < 100
    assert entry.summary == entry.summary.strip().rstrip(".")
    assert entry.source
    assert set(entry.change) <= set(RecipeSettings.model_fields) - {"note"}
    assert ("model" in entry.change) == (entry.group == "Model")
    assert bool(entry.change) == (name != "baseline")
    same = [other for other in CATALOG if CATALOG[other].change == entry.change]
    assert same == [name]


def test_the_command_lists_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["strategies"]) == 0
    shown = capsys.readouterr().out
    for name in CATALOG:
        (line,) = re.findall(rf"^  {name} .*$", shown, re.M)
        assert CATALOG[name].summary in line
        assert CATALOG[name].source in line


@pytest.mark.parametrize("name", ["baseline", "nnunet"])
def test_the_command_shows_one_as_it_is_written(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["strategies", name]) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    written = StudySettings(name="a", strategies={"b": shown[name]}).recipe("b")
    used = StudySettings(name="a", strategies={"b": {"use": name}}).recipe("b")
    assert written == used.model_copy(update={"note": ""})


@pytest.mark.parametrize("name", [name for name in CATALOG if "model" in CATALOG[name].change])
def test_a_model_of_the_catalogue_can_be_built_as_it_is(name: str) -> None:
    with torch.device("meta"):
        model = build_model(_study({name: {}}).recipe(name).model, in_channels=3, num_classes=4)
    assert model(torch.empty(2, 3, 64, 128, device="meta")).shape == (2, 4, 64, 128)


def _study(strategies: dict[str, Any], **base: Any) -> StudySettings:
    return StudySettings(name="a", strategies=strategies, base=base)


def test_changes_come_on_top_of_the_catalogue() -> None:
    study = _study({"mine": {"use": "nnunet", "optimizer": {"lr": 0.5}, "loss": "focal"}}, ema=0.9)
    recipe = study.recipe("mine")
    assert recipe.optimizer.model_dump() == {"name": "sgd", "lr": 0.5, "momentum": 0.99, "weight_decay": 3e-5}
    assert recipe.loss == ({"name": "focal"},)
    assert recipe.schedule.name == "polynomial"
    assert recipe.ema == 0.9
    assert recipe.note == CATALOG["nnunet"].summary


def test_a_name_of_the_catalogue_alone_is_that_strategy() -> None:
    study = _study({"focal": {}, "dice_ce": {"note": "mine"}, "focal_iscf": {"loss": "cross_entropy"}})
    assert study.recipe("focal").loss == ({"name": "focal", "gamma": 2.0},)
    assert study.recipe("dice_ce").loss == ({"name": "dice"}, {"name": "cross_entropy"})
    assert study.recipe("dice_ce").note == "mine"
    assert study.recipe("focal_iscf").loss == ({"name": "cross_entropy"},)


def test_an_unknown_strategy_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"no strategy named 'focal_icsf'\. Did you mean 'focal_icf'"):
        _study({"mine": {"use": "focal_icsf"}}).recipe("mine")
