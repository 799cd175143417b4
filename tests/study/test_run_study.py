from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rareseg.artefacts import read_json, read_parquet, read_yaml
from rareseg.cli.main import main
from rareseg.errors import BusyError
from rareseg.metrics.counts import confusion_counts
from rareseg.study.run_folder import RunFolder
from tiny import make_tiny_dataset, make_tiny_study


def test_every_run_leaves_its_artefacts(finished_study: Path) -> None:
    for strategy in ("baseline", "remedy"):
        for seed in (0, 1):
            run = finished_study / strategy / f"seed-{seed}"
            names = {path.name for path in run.iterdir()}
            assert names >= {
                "config.yaml",
                "provenance.json",
                "exposure.json",
                "cost.json",
                "status.json",
                "log.csv",
                "counts.parquet",
                "regions.parquet",
                "scores.parquet",
                "latest.safetensors",
                "step-000006.safetensors",
                "step-000012.safetensors",
                "predictions",
            }
            assert not [name for name in names if name.endswith(".part")]
            assert read_json(run / "status.json", kind="status")["state"] == "finished"


def test_counts_have_the_columns_that_others_build_on(finished_study: Path) -> None:
    table = read_parquet(finished_study / "remedy" / "seed-0" / "counts.parquet")
    assert table.column_names == ["step", "split", "image", "group", "class", "tp", "fp", "fn", "tn"]
    rows = table.to_pylist()
    assert len(rows) == 2 * 2 * 3 * 3  # steps, splits, images, classes
    assert {row["step"] for row in rows} == {6, 12}
    assert all(row["tp"] + row["fp"] + row["fn"] + row["tn"] == 72 * 88 for row in rows)


def test_counts_agree_with_the_label_maps_on_disk(finished_study: Path) -> None:
    run = finished_study / "remedy" / "seed-1"
    rows = [row for row in read_parquet(run / "counts.parquet").to_pylist() if row["step"] == 12]
    for image in {row["image"] for row in rows}:
        (split,) = {row["split"] for row in rows if row["image"] == image}
        predicted = np.array(Image.open(run / "predictions" / split / f"{image}.png"))
        target = np.array(Image.open(finished_study / "evaluated" / split / f"{image}.mask.png"))
        expected = confusion_counts(target, predicted, 3)
        found = [[row[k] for k in ("tp", "fp", "fn", "tn")] for row in rows if row["image"] == image]
        assert expected.tolist() == found


def test_score_histograms_hold_every_pixel_once(finished_study: Path) -> None:
    run = finished_study / "baseline" / "seed-0"
    counts = read_parquet(run / "counts.parquet").to_pylist()
    for row, count in zip(read_parquet(run / "scores.parquet").to_pylist(), counts, strict=True):
        assert (row["image"], row["class"]) == (count["image"], count["class"])
        assert sum(row["positives"]) == count["tp"] + count["fn"]
        assert sum(row["negatives"]) == count["fp"] + count["tn"]


def test_exposure_counts_what_training_saw(finished_study: Path) -> None:
    exposure = read_json(finished_study / "remedy" / "seed-0" / "exposure.json", kind="exposure")
    assert exposure["num_patches"] == 12 * 4
    assert sum(exposure["pixels"].values()) + exposure["ignored_pixels"] == 12 * 4 * 32 * 32
    assert exposure["patches_with"]["square"] >= 12 * 4 * 0.3
    assert exposure["planned"]["patches_with"] == {"square": 0.5}
    assert sum(exposure["images"].values()) == 48


def test_seeds_differ_and_strategies_start_alike(finished_study: Path) -> None:
    first = (finished_study / "baseline" / "seed-0" / "step-000012.safetensors").read_bytes()
    second = (finished_study / "baseline" / "seed-1" / "step-000012.safetensors").read_bytes()
    assert first != second
    a, b = (read_yaml(finished_study / s / "seed-0" / "config.yaml") for s in ("baseline", "remedy"))
    assert a["decided"] == b["decided"]
    assert a["budget"] == b["budget"]


def test_a_non_finite_loss_stops_its_run_and_the_study_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_tiny_study(
        tmp_path,
        make_tiny_dataset(tmp_path / "data"),
        strategies={"exploding": {"optimizer": {"name": "sgd", "lr": 1e30}}, "sound": {}},
        budget={"steps": 6, "batch_size": 2, "patch_size": 32},
        record={"checkpoint_seconds": 60},
    )
    runs = tmp_path / "runs"
    assert main(["run", str(study), "--out", str(runs), "--device", "cpu", "--quiet"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "1 of the runs failed, the others are done. exploding seed 0: The loss became" in line
    assert "at step" in line
    assert "its batch was im0" in line
    assert "Lower optimizer.lr" in line
    assert read_json(runs / "exploding" / "seed-0" / "status.json", kind="status")["state"] == "failed"
    assert read_json(runs / "sound" / "seed-0" / "status.json", kind="status")["state"] == "finished"


def test_changed_settings_do_not_mix_with_old_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = make_tiny_dataset(tmp_path / "data")
    budget = {"steps": 2, "batch_size": 2, "patch_size": 32}
    record = {"validate_every": 2}
    study = make_tiny_study(tmp_path, data, strategies={"a": {}}, budget=budget, record=record)
    arguments = ["run", str(study), "--out", str(tmp_path / "runs"), "--device", "cpu", "--quiet"]
    assert main(arguments) == 0
    make_tiny_study(tmp_path, data, strategies={"a": {"loss": "focal"}}, budget=budget, record=record)
    assert main(arguments) == 2
    assert "holds a run whose 'strategy' differs from the study's" in capsys.readouterr().err


def test_two_processes_do_not_share_a_run(finished_study: Path) -> None:
    folder = RunFolder.of(finished_study, "baseline", 0)
    with (
        folder.owned(),
        pytest.raises(BusyError, match="Another process is at work"),
        RunFolder(folder.path).owned(),
    ):
        pass


def test_processes_share_the_runs_of_a_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    budget, record = {"steps": 2, "batch_size": 2, "patch_size": 32}, {"validate_every": 2}
    study = make_tiny_study(
        tmp_path,
        make_tiny_dataset(tmp_path / "data"),
        strategies={"a": {}, "b": {"loss": "focal"}},
        budget=budget,
        record=record,
    )
    arguments = ["run", str(study), "--out", str(tmp_path / "runs"), "--device", "cpu"]
    other = RunFolder.of(tmp_path / "runs", "a", 0)
    with other.owned():
        assert main(arguments) == 0
        told = capsys.readouterr()
        said = " ".join((told.out + told.err).split())
        assert "a seed 0 is left to another process" in said
        assert "1 runs were left to other processes: a seed 0." in said
        assert RunFolder.of(tmp_path / "runs", "b", 0).state == "finished"
        assert other.state == "absent"
    assert main(arguments) == 0
    assert other.state == "finished"
    assert "1 runs were finished before and kept." in capsys.readouterr().out


def test_what_a_killed_run_left_half_written_is_cleared(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "a" / "seed-0")
    litter = folder.path / "predictions" / ".x.png.abc.part"
    litter.parent.mkdir(parents=True)
    litter.write_bytes(b"half")
    with folder.owned():
        assert not litter.exists()
