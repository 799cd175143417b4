"""The presets of four documents run end to end, from their data to a report, at a budget of a few steps."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from rareseg.artefacts import read_json, read_parquet
from rareseg.cli.main import main
from rareseg.config.dataset import load_dataset_settings
from rareseg.config.study import load_study_settings
from rareseg.data.open_dataset import open_dataset
from tiny import SMALL_MODELS

STUDIES = Path(__file__).resolve().parents[2] / "studies"
MARS = ["mars_annamo/study.yaml", "mars_camal/study.yaml"]
SOLAR = [f"solar_satellite/{name}.yaml" for name in ("study", "study-nir", "study-enlarged")]


def shrink(study: Path, folder: Path, *, budget: dict[str, Any], **changes: Any) -> Path:
    """The study with small networks and few steps, its strategies as they are."""
    settings = yaml.safe_load(study.read_text())
    settings["dataset"] = str(study.parent / settings["dataset"])
    settings["seeds"] = [0]
    settings["budget"] = budget
    settings["record"] = {"validate_every": max(1, budget["steps"] // 10), "validate_megapixels": 0.01}
    for recipe in (settings["base"], *settings["strategies"].values()):
        if isinstance(recipe.get("model"), dict):
            recipe["model"].update(SMALL_MODELS[recipe["model"]["name"]])
    settings.update(changes)
    small = folder / "study.yaml"
    small.write_text(yaml.safe_dump(settings, sort_keys=False))
    return small


def run(study: Path, folder: Path, *arguments: str) -> Path:
    """The folder of runs, all finished and judged, with a report."""
    runs = folder / "runs"
    assert main(["run", str(study), "--out", str(runs), "--device", "cpu", "--quiet", *arguments]) == 0
    assert main(["report", str(runs), "--out", str(folder / "report.html")]) == 0
    for name in load_study_settings(study).strategies:
        status = read_json(runs / name / "seed-0" / "status.json", kind="status")
        assert status["state"] == "finished", name
        assert f">{name}<" in (folder / "report.html").read_text()
    return runs


@pytest.mark.parametrize("name", MARS)
def test_mars_from_the_stack_to_the_contests_table(name: str, shared_data: Path, tmp_path: Path) -> None:
    data = shared_data / "mars_mini"
    budget = {"steps": 2, "batch_size": 2, "patch_size": [64, 128]}
    runs = run(shrink(STUDIES / name, tmp_path, budget=budget), tmp_path, "--root", str(data))
    final = runs / "final" / "seed-0"
    rows = read_parquet(final / "counts.parquet").to_pylist()
    assert len({row["image"] for row in rows if row["split"] == "test"}) == 21
    out = tmp_path / "submission.csv"
    table = ["--out", str(out), "--format", "flat_csv", "--device", "cpu", "--quiet"]
    assert main(["predict", str(final), str(data / "mars_tiles.npz"), "--key", "images", *table]) == 0
    with out.open(newline="") as file:
        header, *lines = csv.reader(file)
    assert header[:3] == ["id", "0", "1"] and len(header) == 1 + 64 * 128
    assert [int(line[0]) for line in lines] == list(range(145))
    assert {int(value) for line in lines for value in line[1:]} <= set(range(5))


@pytest.mark.parametrize("name", SOLAR)
def test_four_bands_of_satellites(name: str, shared_data: Path, tmp_path: Path) -> None:
    budget = {"steps": 40, "batch_size": 1, "patch_size": 32}
    study = shrink(STUDIES / name, tmp_path, budget=budget)
    settings = yaml.safe_load(study.read_text())
    if "patient" in settings["strategies"]:
        settings["strategies"]["patient"]["schedule"]["warmup_steps"] = 2
        study.write_text(yaml.safe_dump(settings, sort_keys=False))
    runs = run(study, tmp_path, "--root", str(shared_data / "s2_burned_area"))
    data = read_json(runs / "data.json", kind="data")
    assert data["num_bands"] == (1 if "nir" in name else 4)
    assert data["pixel_size"] == (5 if "enlarged" in name else 10)
    page = (tmp_path / "report.html").read_text()
    assert "specificity" in page.lower() and "75" in page


def test_strips_of_steel_in_two_stages(tmp_path: Path) -> None:
    """Strips made by code, patches of two sizes, two phases, a gate; and a submission that reads back."""
    command = ["demo", "--data-only", "--kind", "steel", "--size", "96", "--out", str(tmp_path), "--quiet"]
    assert main(command) == 0
    dataset = tmp_path / "data" / "dataset.yaml"
    study = shrink(
        STUDIES / "severstal_two_stage" / "study.yaml",
        tmp_path,
        dataset=str(dataset),
        budget={"steps": 20, "batch_size": 5, "patch_size": 32},
    )
    settings = yaml.safe_load(study.read_text())
    settings["base"]["patch_sizes"] = {"sizes": [[32, 48], [32, 64]], "every": 5}
    for recipe in settings["strategies"].values():
        if isinstance(recipe.get("head"), dict):
            recipe["head"]["gate"] = {"patch_size": [32, 64], "base_channels": 4, "depth": 2}
    settings["evaluate"] = ["val"]
    study.write_text(yaml.safe_dump(settings, sort_keys=False))
    runs = run(study, tmp_path)
    two_stage = runs / "two_stage" / "seed-0"
    assert read_json(two_stage / "gate.json", kind="gate")["images"]
    assert (two_stage / "ungated" / "counts.parquet").exists()

    source = open_dataset(load_dataset_settings(dataset))
    folder = tmp_path / "new"
    (folder / "images").mkdir(parents=True)
    for name in source.sample_ids[:3]:
        image = source.image_path(name)
        (folder / "images" / image.name).write_bytes(image.read_bytes())
    run_folder, images = str(runs / "segmenter" / "seed-0"), str(folder / "images")
    table = [
        "--format",
        "rle_csv",
        "--columns",
        "ImageId_ClassId,EncodedPixels",
        "--device",
        "cpu",
        "--quiet",
    ]
    assert main(["predict", run_folder, images, "--out", str(folder / "train.csv"), *table]) == 0
    assert main(["predict", run_folder, images, "--out", str(folder / "png"), "--device", "cpu", "-q"]) == 0
    settings = yaml.safe_load(dataset.read_text())
    settings["rle_csv"] = {"file": "train.csv", "joined_column": "ImageId_ClassId"}
    (folder / "dataset.yaml").write_text(yaml.safe_dump(settings))
    again = open_dataset(load_dataset_settings(folder / "dataset.yaml"))
    for name in again.sample_ids:
        with Image.open(folder / "png" / f"{name}.png") as label_map:
            np.testing.assert_array_equal(again.read_mask(name), np.asarray(label_map))
