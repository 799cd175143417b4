"""Runs as an ensemble: from Python and from the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from rareseg.artefacts import read_yaml, write_yaml
from rareseg.cli.main import main
from rareseg.data.labels import ClassTable
from rareseg.errors import ArtefactError
from rareseg.inference.label_strip import LabelStrip
from rareseg.inference.label_writer import PredictedImage, WriterOptions
from rareseg.inference.uncertainty import predict_with_uncertainty
from rareseg.inference.writers import open_writers
from rareseg.study.load_ensemble import find_seeds, load_ensemble, views_not_trained
from rareseg.study.load_run import load_run


def _image(study: Path) -> Path:
    return sorted((study.parent / "data" / "images").glob("*.png"))[0]


def test_a_strategy_stands_for_its_seeds_and_checkpoints_multiply(finished_study: Path) -> None:
    strategy = finished_study / "baseline"
    assert find_seeds(strategy) == [strategy / "seed-0", strategy / "seed-1"]
    joined = load_ensemble([strategy], steps=[6, 12], device="cpu")
    image = joined.reading.open(_image(finished_study))
    ((_, outputs),) = joined.judge.predictor.iterate(image.read, *image.size)
    single = [
        load_run(strategy / seed, step=step, device="cpu")
        for seed in ("seed-0", "seed-1")
        for step in (6, 12)
    ]
    chances = []
    for run in single:
        ((_, logits),) = run.judge.predictor.iterate(image.read, *image.size)
        chances.append(torch.softmax(run.judge.head.class_logits(logits[None])[0], dim=0).numpy())
    np.testing.assert_allclose(outputs[:3].exp(), np.mean(chances, axis=0), atol=1e-5)
    assert outputs[3].max() > 0


def test_a_run_by_itself_is_that_run(finished_study: Path) -> None:
    run = finished_study / "baseline" / "seed-0"
    assert type(load_ensemble([run], device="cpu").judge.head) is type(load_run(run, device="cpu").judge.head)


def test_a_run_that_is_named_twice_is_refused(finished_study: Path) -> None:
    run = finished_study / "baseline" / "seed-0"
    with pytest.raises(ArtefactError, match="is named twice, but a member counts once"):
        load_ensemble([run.parent, run], device="cpu")


def test_what_is_no_run_is_explained(finished_study: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="is not the folder of a run"):
        load_ensemble([tmp_path], device="cpu")
    with pytest.raises(ArtefactError, match=r"has no weights of step 7\. Kept: 6, 12"):
        load_ensemble([finished_study / "baseline"], steps=[7], device="cpu")


def test_views_that_training_never_showed_are_named(finished_study: Path, tmp_path: Path) -> None:
    strategy = finished_study / "baseline"
    assert views_not_trained([strategy], "none") == []
    assert views_not_trained([strategy], "flips") == [strategy / "seed-0", strategy / "seed-1"]
    config = read_yaml(strategy / "seed-0" / "config.yaml")
    config["strategy"]["augmentation"] = {"flips": True}
    write_yaml(tmp_path / "config.yaml", config)
    assert views_not_trained([tmp_path], "flips") == []
    assert views_not_trained([tmp_path], "turns") == [tmp_path]


def test_predict_writes_maps_of_uncertainty(
    finished_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strategy, images = finished_study / "baseline", finished_study.parent / "data" / "images"
    command = ["predict", str(strategy), str(images), "--device", "cpu", "--quiet", "--tta", "flips"]
    command += ["--ensemble", str(finished_study / "remedy" / "seed-1"), "--step", "6, 12"]
    # Images of 72 rows, which go strip by strip.
    assert main([*command, "--out", str(tmp_path), "--format", "png,uncertainty", "--tile", "32"]) == 0
    assert "seed-0' was trained without flips, so --tta flips shows it" in capsys.readouterr().err
    written = sorted(path.name for path in (tmp_path / "uncertainty").iterdir())
    assert written == sorted(path.name for path in (tmp_path / "png").iterdir())
    assert len(written) == 9
    members = [strategy, finished_study / "remedy" / "seed-1"]
    joined = load_ensemble(members, steps=[6, 12], tta="flips", device="cpu")
    prediction, doubts = predict_with_uncertainty(joined, joined.reading.open(_image(finished_study)))
    with Image.open(tmp_path / "uncertainty" / written[0]) as file:
        found = np.asarray(file)
    assert found.dtype == np.uint16
    assert np.abs(found / 65_535 - doubts).max() < 1e-4
    assert 0.001 < doubts.max() < 1
    with Image.open(tmp_path / "png" / written[0]) as file:
        assert np.array_equal(np.asarray(file), prediction.labels)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "png,uncertainty"], "is one network that sees the image once"),
        (["--tta", "turn"], "There is no test-time augmentation named 'turn'. Did you mean 'turns'?"),
        (
            ["--step", "6,six"],
            "--step expects kept checkpoints, each once, such as 320 or 224,320, but got '6,six'",
        ),
        (["--step", "6,6"], "each once"),
    ],
)
def test_mistakes_are_one_line(
    finished_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    command = ["predict", str(finished_study / "baseline" / "seed-0"), str(_image(finished_study))]
    assert main([*command, "--device", "cpu", "--out", str(tmp_path), *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_uncertainty_of_georeferenced_images_keeps_their_place(tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio", reason="the extra raster is not installed")
    transform = rasterio.Affine(10.0, 0.0, 500000.0, 0.0, -10.0, 5600000.0)
    options = {
        "height": 2,
        "width": 3,
        "count": 1,
        "dtype": "uint8",
        "transform": transform,
        "crs": "EPSG:32632",
    }
    with rasterio.open(tmp_path / "scene.tif", "w", driver="GTiff", **options) as file:
        file.write(np.zeros((1, 2, 3), np.uint8))
    doubts = np.array([[0, 16384, 5], [65535, 32768, 1]], np.uint16)
    labels = np.array([[0, 1, 255], [0, 0, 0]], np.uint8)
    wanted = WriterOptions(tmp_path / "u", ("scene.tif",), ClassTable.from_names(["background", "crack"]))
    image = PredictedImage("scene.tif", (2, 3), file=tmp_path / "scene.tif")
    with open_writers(["uncertainty"], wanted)["uncertainty"].open(image) as sink:
        sink.add(LabelStrip(0, labels[:1], doubts=doubts[:1]))
        sink.add(LabelStrip(1, labels[1:], doubts=doubts[1:]))
    with rasterio.open(tmp_path / "u" / "scene.tif") as file:
        assert (file.transform, file.crs.to_epsg(), file.dtypes) == (transform, 32632, ("float32",))
        np.testing.assert_allclose(file.read(1), [[0, 0.25, np.nan], [1, 0.5, 0]], atol=2e-5)
        assert np.isnan(file.nodata)
