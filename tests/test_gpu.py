"""The same study and the same predictions on a GPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from rareseg.artefacts import read_json, read_parquet, read_yaml
from rareseg.cli.main import main
from rareseg.study.load_run import load_run
from tiny import make_tiny_study

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device on this machine"),
]

DEVICE = "cuda"
DIFFERENT = 0.01
"""Share of pixels that may be labelled otherwise: a GPU rounds the inputs of float32 convolutions to ten bits."""


@pytest.mark.parametrize("precision", ["float32", "auto"])
def test_a_study_runs_on_a_gpu(precision: str, tiny_dataset: Path, tmp_path: Path) -> None:
    study = make_tiny_study(tmp_path, tiny_dataset, precision=precision)
    out = tmp_path / "runs"
    assert main(["run", str(study), "--out", str(out), "--device", DEVICE, "--quiet"]) == 0
    for strategy in ("baseline", "remedy"):
        run = out / strategy / "seed-0"
        assert read_json(run / "status.json", kind="status")["state"] == "finished"
        assert read_yaml(run / "config.yaml")["decided"]["device"].startswith(DEVICE)
        rows = read_parquet(run / "counts.parquet").to_pylist()
        assert len(rows) == 2 * 2 * 3 * 3  # steps, splits, images, classes
        assert {row["tp"] + row["fp"] + row["fn"] + row["tn"] for row in rows} == {72 * 88}


def test_predictions_agree_with_those_of_the_processor(finished_study: Path) -> None:
    folder, different, total = finished_study / "remedy" / "seed-0", 0, 0
    runs = [load_run(folder, device=device, precision="float32") for device in (DEVICE, "cpu")]
    paths = [path for path in (finished_study / "evaluated").rglob("*.png") if ".mask" not in path.name]
    assert len(paths) == 6
    for path in paths:
        image = np.atleast_3d(np.array(Image.open(path))).transpose(2, 0, 1)
        there, here = (
            run.judge.labels(lambda window, image=image: image[:, *window.slices], *image.shape[1:])
            for run in runs
        )
        different += int((there != here).sum())
        total += here.size
    assert different <= DIFFERENT * total
