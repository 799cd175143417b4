"""Runs as an ensemble: from Python and from the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from rareseg.cli.main import main
from rareseg.errors import ArtefactError
from rareseg.study.load_ensemble import find_seeds, load_ensemble
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


def test_predict_writes_maps_of_uncertainty(finished_study: Path, tmp_path: Path) -> None:
    strategy, images = finished_study / "baseline", finished_study.parent / "data" / "images"
    command = ["predict", str(strategy), str(images), "--device", "cpu", "--quiet", "--tta", "flips"]
    command += ["--ensemble", str(finished_study / "remedy" / "seed-1"), "--step", "6, 12"]
    assert main([*command, "--out", str(tmp_path / "o"), "--uncertainty", str(tmp_path / "u")]) == 0
    written = sorted(path.name for path in (tmp_path / "u").iterdir())
    assert written == sorted(path.name for path in (tmp_path / "o").iterdir())
    assert len(written) == 9
    with Image.open(tmp_path / "u" / written[0]) as file:
        doubt = np.asarray(file)
    with Image.open(tmp_path / "o" / written[0]) as file:
        assert doubt.shape == (file.height, file.width)
    assert doubt.dtype == np.uint16
    assert 0 < doubt.max() < 65_535


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--uncertainty", "u"], "is one network that sees the image once"),
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
    from rareseg.inference.uncertainty_writer import UncertaintyWriter

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
    values = np.array([[0, 0.25, np.nan], [1, 0.5, 0.75]], np.float32)
    writer = UncertaintyWriter(tmp_path / "u", ["scene.tif"], {"scene.tif": tmp_path / "scene.tif"})
    with rasterio.open(writer.add("scene.tif", values)) as file:
        assert (file.transform, file.crs.to_epsg(), file.dtypes) == (transform, 32632, ("float32",))
        np.testing.assert_array_equal(file.read(1), values)
        assert np.isnan(file.nodata)
