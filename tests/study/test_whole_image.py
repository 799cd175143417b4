"""Models that depend on the whole image, from study to prediction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from rareseg.artefacts import read_json, read_yaml
from rareseg.cli.main import main
from rareseg.config.study import load_study_settings
from rareseg.errors import OptionError
from rareseg.inference.decision import ArgmaxDecision
from rareseg.study.load_run import load_run
from rareseg.study.progress import Progress
from rareseg.study.run_study import run_study
from tiny import SMALL_MODELS, make_tiny_dataset, make_tiny_study


class Notes(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Runs whose images are larger than what goes in one piece, with patches that no stride divides."""
    folder = tmp_path_factory.mktemp("whole")
    models = {name: {"name": name, **SMALL_MODELS[name]} for name in ("se_unet", "double_unet", "unet")}
    study = make_tiny_study(
        folder,
        make_tiny_dataset(folder / "data"),
        strategies={f"with_{name}": {"model": model} for name, model in models.items()},
        budget={"steps": 2, "batch_size": 2, "patch_size": [30, 34]},
        record={"log_every": 1, "validate_every": 2},
        whole_megapixels=0.005,
    )
    notes = Notes()
    assert not run_study(load_study_settings(study), folder / "runs", device="cpu", progress=notes).failed
    return folder / "runs", notes.lines


def test_it_is_said_once_before_training(finished: tuple[Path, list[str]]) -> None:
    lines = finished[1]
    said = [number for number, line in enumerate(lines) if "depends on the whole image" in line]
    assert said == [0]
    assert lines[0].startswith(
        "with_double_unet, with_se_unet: the model depends on the whole image, but 6 of 6"
    )


def test_the_limit_is_kept_with_the_run(finished: tuple[Path, list[str]]) -> None:
    run = finished[0] / "with_se_unet" / "seed-0"
    assert read_yaml(run / "config.yaml")["whole_megapixels"] == 0.005
    predictor = load_run(run, device="cpu").judge.predictor
    assert (predictor.is_exact(50, 100), predictor.is_exact(50, 101)) == (True, False)
    assert load_run(run, device="cpu", whole_megapixels=1.0).judge.predictor.is_exact(1000, 1000)
    with pytest.raises(OptionError, match="Expected whole_megapixels above 0, but got 0"):
        load_run(run, device="cpu", whole_megapixels=0)
    with pytest.raises(OptionError, match="this run's model is exact in tiles of any image; leave it out"):
        load_run(finished[0] / "with_unet" / "seed-0", device="cpu", whole_megapixels=1.0)


def test_the_cost_of_patches_that_the_stride_does_not_divide(finished: tuple[Path, list[str]]) -> None:
    cost = read_json(finished[0] / "with_unet" / "seed-0" / "cost.json", kind="cost")
    assert (cost["layers"][0]["out_height"], cost["layers"][0]["out_width"]) == (32, 36)


def test_predict_says_which_maps_are_approximations(
    finished: tuple[Path, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = finished[0] / "with_double_unet" / "seed-0"
    image = finished[0].parent / "data" / "images" / "im07.png"
    assert main(["predict", str(run), str(image), "--out", str(tmp_path / "a"), "--device", "cpu"]) == 0
    assert "1 of them are approximations" in capsys.readouterr().out
    whole = ["--whole-megapixels", "0.01"]
    assert (
        main(["predict", str(run), str(image), "--out", str(tmp_path / "b"), "--device", "cpu", *whole]) == 0
    )
    assert "approximations" not in capsys.readouterr().out
    pixels = np.asarray(Image.open(image))[None, None]
    logits = load_run(run, device="cpu").judge.predictor.engine.run(torch.from_numpy(pixels.copy()))
    expected = ArgmaxDecision().labels(logits)[0].numpy()
    assert np.array_equal(np.asarray(Image.open(tmp_path / "b" / "im07.png")), expected)
