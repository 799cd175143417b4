"""The committed studies run on the real datasets, at a budget of two steps."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from rareseg.artefacts import read_csv, read_json, read_parquet
from rareseg.cli.main import main

STUDIES = Path(__file__).resolve().parents[2] / "studies"


@pytest.mark.parametrize(
    ("study_name", "name"),
    [
        ("crackforest", "crackforest"),
        ("neu_seg_dedup", "neu_seg_dedup"),
        ("magnetic_tile", "magnetic_tile"),
        ("magnetic_tile_full", "magnetic_tile"),
    ],
)
def test_a_committed_study_runs_on_its_data(
    study_name: str, name: str, shared_data: Path, tmp_path: Path
) -> None:
    settings = yaml.safe_load((STUDIES / study_name / "study.yaml").read_text())
    settings["dataset"] = str((STUDIES / study_name / settings["dataset"]).resolve())
    settings["seeds"] = [0]
    settings["budget"] = {"steps": 2, "batch_size": 6, "patch_size": 64}
    settings["record"] = {"validate_every": 2, "validate_megapixels": 0.1}
    settings["base"]["model"] = {"name": "unet", "base_channels": 4, "depth": 2}
    settings["evaluate"] = ["val"]
    last = list(settings["strategies"])[-1]
    schedule = settings["strategies"][last].get("schedule", {})
    if "warmup_steps" in schedule:
        schedule["warmup_steps"] = 1  # longer than these two steps, it would be refused
    study = tmp_path / "study.yaml"
    study.write_text(yaml.safe_dump(settings))
    runs = tmp_path / "runs"
    arguments = ["run", str(study), "--out", str(runs), "--root", str(shared_data / name), "--only", last]
    assert main([*arguments, "--device", "cpu", "--quiet"]) == 0

    listed = read_csv(shared_data / name / "val.csv")
    rows = read_parquet(runs / last / "seed-0" / "counts.parquet").to_pylist()
    assert {row["image"] for row in rows} == {row["sample_id"] for row in listed}
    data = read_json(runs / "data.json", kind="data")
    for index, class_name in enumerate(data["class_names"]):
        positives = sum(row["tp"] + row["fn"] for row in rows if row["class"] == class_name)
        assert positives == sum(int(row[f"px_{index}"]) for row in listed)
        assert positives == data["splits"]["val"]["class_pixels"][class_name]
    assert {row["group"] for row in rows} == {row["group"] for row in listed}
