"""What is judged are the pixels of the files: augmentation is for training alone."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from rareseg.config.study import load_study_settings
from rareseg.inference.torch_engine import TorchEngine
from rareseg.metrics.counts import confusion_counts
from rareseg.study.load_run import load_run
from rareseg.study.run_study import run_study
from tiny import make_tiny_dataset, make_tiny_study

STRONG = {
    "flips": True,
    "zoom": [0.5, 2.0],
    "translation": 0.3,
    "rotation": 180,
    "elastic": 6,
    "brightness": 1.0,
    "contrast": 0.9,
    "noise": 1.0,
}


def test_validation_and_test_are_never_augmented(tmp_path: Path) -> None:
    """Label maps, and the validation score of the log, are those of the untouched files in one forward pass."""
    data = make_tiny_dataset(tmp_path / "data")
    study = make_tiny_study(
        tmp_path,
        data,
        strategies={"strong": {"augmentation": STRONG, "optimizer": {"lr": 0.01}}},
        record={"validate_every": 12, "validate_megapixels": 100},
    )
    assert not run_study(load_study_settings(study), tmp_path / "runs", device="cpu").failed
    folder = tmp_path / "runs" / "strong" / "seed-0"
    engine = load_run(folder, device="cpu").judge.predictor.engine
    assert isinstance(engine, TorchEngine)
    with (data / "samples.csv").open() as file:
        parts = {row["sample_id"]: row["split"] for row in csv.DictReader(file)}
    counts = np.zeros((3, 4), np.int64)
    for name, part in parts.items():
        if part == "train":
            continue
        image = torch.from_numpy(np.array(Image.open(data / "images" / f"{name}.png")))
        with torch.no_grad():
            labels = engine.network(image[None, None])[0].argmax(0).numpy().astype(np.uint8)
        stored = np.asarray(Image.open(folder / "predictions" / part / f"{name}.png"))
        assert (labels != stored).mean() < 1e-3, name  # a tie may fall either way
        if part == "val":
            counts += confusion_counts(np.asarray(Image.open(data / "masks" / f"{name}.png")), labels, 3)
    tp, fp, fn, _ = counts[1:].T.astype(float)
    with (folder / "log.csv").open() as file:
        score = [row["val_score"] for row in csv.DictReader(file)][-1]
    assert counts[1:, :2].sum() > 0  # something is predicted, so that the score says something
    assert abs(float(score) - float(np.nanmean(2 * tp / (2 * tp + fp + fn)))) < 1e-3
