"""Runs on rasters: four bands or one, missing data, given ranges, enlarged images, and prediction from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import yaml
from PIL import Image

from data.write_raster import write_raster
from rareseg.artefacts import read_json, read_parquet, read_yaml
from rareseg.cli.main import main
from rareseg.data.resampling import majority
from rareseg.study.load_run import load_run

SIZE = (60, 76)


def make_rasters(folder: Path, **changes: Any) -> Path:
    """Six scenes of three bands in two parts; the last band shows squares, which are the rare class."""
    generator = np.random.default_rng(0)
    rows = []
    for number in range(6):
        image = generator.normal(1000, 80, (3, *SIZE))
        mask = np.zeros(SIZE, np.uint8)
        for _ in range(3):
            row, col = generator.integers(8, SIZE[0] - 12), generator.integers(8, SIZE[1] - 12)
            mask[row : row + 7, col : col + 7] = 1
        image[2] += 500.0 * mask
        image[:, :5, 10:30] = -9999
        name, part = f"s{number}", "train" if number < 4 else "val"
        write_raster(folder / f"images/{name}.tif", image.astype(np.int16), nodata=-9999)
        write_raster(folder / f"masks/{name}.tif", mask)
        rows.append(f"{name},images/{name}.tif,masks/{name}.tif,{part}")
    (folder / "samples.csv").write_text("sample_id,image,mask,split\n" + "\n".join(rows) + "\n")
    settings = {
        "name": "scenes",
        "format": "raster",
        "classes": [{"name": "ground"}, {"name": "square"}],
        "samples": "samples.csv",
        "split": {"kind": "column"},
        "pixel_size": 10,
        **changes,
    }
    (folder / "dataset.yaml").write_text(yaml.safe_dump(settings))
    return folder


def run_study(folder: Path, **changes: Any) -> Path:
    """Train a small network for a few steps with everything that could spread missing values."""
    data = make_rasters(folder / "data", **changes)
    augmentation = {
        "rotation": 20,
        "zoom": [0.8, 1.2],
        "elastic": 2,
        "noise": 0.1,
        "copy_paste": {"probability": 0.5},
    }
    study = {
        "name": "scenes",
        "dataset": str(data / "dataset.yaml"),
        "seeds": [0],
        "budget": {"steps": 6, "batch_size": 4, "patch_size": 32},
        "record": {"log_every": 1, "validate_every": 3},
        "precision": "float32",
        "base": {"model": {"name": "unet", "base_channels": 4, "depth": 2}, "augmentation": augmentation},
        "strategies": {"baseline": {}},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    arguments = [
        "run",
        str(folder / "study.yaml"),
        "--out",
        str(folder / "runs"),
        "--device",
        "cpu",
        "--quiet",
    ]
    assert main(arguments) == 0
    return folder / "runs" / "baseline" / "seed-0"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_study(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def enlarged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ranges = {"low": [500, 700], "high": [1500, 1300]}
    return run_study(
        tmp_path_factory.mktemp("enlarged"), bands=[2, 0], resample={"factor": 2}, normalise=ranges
    )


def predicted(run: Path, file: Path) -> np.ndarray:
    model = load_run(run, device="cpu")
    return model.predict(model.reading.open(file)).labels


def losses(run: Path) -> list[float]:
    lines = (run / "log.csv").read_text().splitlines()
    place = lines[0].split(",").index("loss")
    return [float(line.split(",")[place]) for line in lines[1:]]


def test_training_is_finite_and_missing_pixels_do_not_count(plain: Path) -> None:
    assert len(losses(plain)) == 6 and np.isfinite(losses(plain)).all()
    rows = read_parquet(plain / "counts.parquet").to_pylist()
    assert {sum(row[k] for k in ("tp", "fp", "fn", "tn")) for row in rows} == {SIZE[0] * SIZE[1] - 100}
    decided = read_yaml(plain / "config.yaml")["decided"]
    np.testing.assert_allclose(decided["mean"], [1000, 1000, 1016], atol=6)
    assert (decided["format"], decided["resample"], decided["bands"]) == ("raster", 1, None)


def test_a_file_is_predicted_as_it_was_judged(plain: Path) -> None:
    file = plain.parents[2] / "data/images/s4.tif"
    labels = predicted(plain, file)
    stored = np.asarray(Image.open(plain / "predictions/val/s4.png"))
    assert (labels[:5, 10:30] == 255).all()
    assert (labels == 255).sum() == 100
    np.testing.assert_array_equal(labels[labels != 255], stored[labels != 255])


def test_predict_writes_the_place_of_the_image(plain: Path, tmp_path: Path) -> None:
    images, out = plain.parents[2] / "data/images", tmp_path / "out"
    assert main(["predict", str(plain), str(images), "--out", str(out), "--device", "cpu", "--quiet"]) == 0
    assert sorted(path.name for path in out.glob("*.*")) == ["predict.json", *(f"s{n}.tif" for n in range(6))]
    with rasterio.open(out / "s4.tif") as found, rasterio.open(images / "s4.tif") as image:
        assert (found.crs, found.transform, found.shape) == (image.crs, image.transform, image.shape)
        assert (found.nodata, found.count, found.dtypes) == (255, 1, ("uint8",))
        assert found.colormap(1)[255][:3] == (128, 128, 128)
        np.testing.assert_array_equal(found.read(1), predicted(plain, images / "s4.tif"))


def test_a_run_on_plain_files_writes_the_place_too_and_png_without_one(
    finished_study: Path, tmp_path: Path
) -> None:
    pixels = np.asarray(Image.open(finished_study.parent / "data/images/im07.png"))
    write_raster(tmp_path / "in/placed.tif", pixels)
    write_raster(tmp_path / "in/plain.tif", pixels, crs=None, transform=rasterio.Affine.identity())
    run, out = finished_study / "remedy" / "seed-0", tmp_path / "out"
    command = ["predict", str(run), str(tmp_path / "in"), "--out", str(out), "--device", "cpu", "--quiet"]
    assert main(command) == 0
    assert sorted(path.name for path in out.iterdir()) == ["placed.tif", "plain.png", "predict.json"]
    expected = np.asarray(Image.open(run / "predictions/test/im07.png"))
    with rasterio.open(out / "placed.tif") as found:
        np.testing.assert_array_equal(found.read(1), expected)
    np.testing.assert_array_equal(np.asarray(Image.open(out / "plain.png")), expected)


def test_enlarged_images_are_judged_in_fine_pixels_and_predicted_in_those_of_the_file(enlarged: Path) -> None:
    assert np.isfinite(losses(enlarged)).all()
    rows = read_parquet(enlarged / "counts.parquet").to_pylist()
    assert {sum(row[k] for k in ("tp", "fp", "fn", "tn")) for row in rows} == {4 * (SIZE[0] * SIZE[1] - 100)}
    assert read_json(enlarged.parents[1] / "data.json", kind="data")["pixel_size"] == 5
    decided = read_yaml(enlarged / "config.yaml")["decided"]
    assert (decided["mean"], decided["std"], decided["resample"]) == ([500, 700], [1000, 600], 2)
    fine = np.asarray(Image.open(enlarged / "predictions/val/s5.png"))
    assert fine.shape == (2 * SIZE[0], 2 * SIZE[1])
    labels = predicted(enlarged, enlarged.parents[2] / "data/images/s5.tif")
    assert labels.shape == SIZE
    known = labels != 255
    assert (~known).sum() == 100
    np.testing.assert_array_equal(labels[known], majority(fine, 2, 2)[known])


def test_one_band_is_enough(tmp_path: Path) -> None:
    run = run_study(tmp_path, bands=[2])
    assert np.isfinite(losses(run)).all()
    assert len(read_yaml(run / "config.yaml")["decided"]["mean"]) == 1
    labels = predicted(run, tmp_path / "data/images/s4.tif")
    assert set(np.unique(labels)) <= {0, 1, 255}


def test_real_scenes_are_inspected_and_trained_on(shared_data: Path, tmp_path: Path) -> None:
    root = shared_data / "s2_burned_area"
    settings = {
        "name": "burned",
        "root": str(root),
        "format": "raster",
        "bands": [2, 1, 0, 3],
        "classes": [{"name": "unburned"}, {"name": "burned"}],
        "samples": "index.csv",
        "group": {"column": "group"},
        "split": {"kind": "column"},
    }
    (tmp_path / "dataset.yaml").write_text(yaml.safe_dump(settings))
    study = {
        "name": "burned",
        "dataset": "dataset.yaml",
        "seeds": [0],
        "budget": {"steps": 2, "batch_size": 2, "patch_size": 64},
        "base": {"model": {"name": "unet", "base_channels": 4, "depth": 2}, "augmentation": {"rotation": 10}},
        "evaluate": ["val"],
        "strategies": {"baseline": {}},
    }
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    assert main(["inspect", str(tmp_path / "dataset.yaml"), "--out", str(tmp_path / "seen"), "--quiet"]) == 0
    fingerprint = read_json(tmp_path / "seen/fingerprint.json", kind="fingerprint")
    assert fingerprint["num_bands"] == 4 and len(fingerprint["bands"]["mean"]) == 4
    (missing,) = [item for item in fingerprint["warnings"] if item["kind"] == "missing_values"]
    assert "RANCH_20240601" in missing["text"] and not fingerprint["leaks"]
    runs = tmp_path / "runs"
    arguments = ["run", str(tmp_path / "study.yaml"), "--out", str(runs), "--device", "cpu", "--quiet"]
    assert main(arguments) == 0
    assert np.isfinite(losses(runs / "baseline/seed-0")).all()
    rows = read_parquet(runs / "baseline/seed-0/counts.parquet").to_pylist()
    ranch = next(row for row in rows if row["image"] == "RANCH_20240601")
    assert sum(ranch[k] for k in ("tp", "fp", "fn", "tn")) < 225 * 225
