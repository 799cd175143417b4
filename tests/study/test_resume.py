"""Whatever moment a run is killed at, the same command ends with the same bytes as one never interrupted."""

from __future__ import annotations

import csv
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from rareseg.artefacts import read_json, read_parquet
from tiny import make_tiny_dataset, make_tiny_study

COMMAND = [sys.executable, "-m", "rareseg", "run"]
TABLES = ("counts.parquet", "regions.parquet", "scores.parquet")


def _start(study: Path, out: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    arguments = [*COMMAND, str(study), "--out", str(out), "--device", "cpu", "--quiet"]
    return subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _finish(study: Path, out: Path) -> None:
    process = _start(study, out)
    _, error = process.communicate(timeout=300)
    assert process.returncode == 0, error.decode()


def _log(folder: Path) -> list[tuple[str, ...]]:
    with (folder / "log.csv").open() as file:
        return [(row["step"], row["loss"], row["lr"], row["val_score"]) for row in csv.DictReader(file)]


def _assert_same(first: Path, second: Path) -> None:
    for name in ("step-000020.safetensors", "step-000040.safetensors"):
        expected, found = load_file(first / name), load_file(second / name)
        assert expected.keys() == found.keys()
        for key in expected:
            assert expected[key].tobytes() == found[key].tobytes(), key
    assert _log(first) == _log(second)
    for name in TABLES:
        assert read_parquet(first / name).equals(read_parquet(second / name)), name
    assert read_json(first / "exposure.json", kind="exposure") == read_json(
        second / "exposure.json", kind="exposure"
    )


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("whole")
    study = make_tiny_study(
        folder,
        make_tiny_dataset(folder / "data"),
        strategies={"remedy": {"loss": "focal", "augmentation": {"flips": True, "noise": 0.1}}},
        budget={"steps": 40, "batch_size": 4, "patch_size": 32},
        record={"log_every": 3, "validate_every": 10, "checkpoint_steps": [20], "checkpoint_seconds": 0.05},
    )
    _finish(study, folder / "runs")
    return study, folder / "runs" / "remedy" / "seed-0"


def test_kill_9_at_random_moments_loses_nothing(uninterrupted: tuple[Path, Path], tmp_path: Path) -> None:
    study, whole = uninterrupted
    out = tmp_path / "runs"
    run = out / "remedy" / "seed-0"
    moments = random.Random(1)
    kills_in_training = 0
    for _ in range(4):
        process = _start(study, out)
        deadline = time.monotonic() + 120
        seen = run / "latest.safetensors"
        before = seen.stat().st_mtime_ns if seen.exists() else 0
        while process.poll() is None and time.monotonic() < deadline:
            if seen.exists() and seen.stat().st_mtime_ns != before:
                break
            time.sleep(0.005)
        time.sleep(moments.uniform(0, 0.25))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills_in_training += 1
        process.communicate()
        for path in run.glob("*.json"):
            read_json(path, kind=path.stem)
    assert kills_in_training >= 2
    _finish(study, out)
    _assert_same(whole, run)


def test_ctrl_c_saves_and_says_how_to_go_on(uninterrupted: tuple[Path, Path], tmp_path: Path) -> None:
    study, whole = uninterrupted
    out = tmp_path / "runs"
    run = out / "remedy" / "seed-0"
    process = _start(study, out)
    while not (run / "latest.safetensors").exists():
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=120)
    if process.returncode != 0:
        assert process.returncode == 130, error.decode()
        assert "stopped" in error.decode().splitlines()[-1]
    _finish(study, out)
    _assert_same(whole, run)


def test_a_finished_study_is_left_alone(uninterrupted: tuple[Path, Path]) -> None:
    study, whole = uninterrupted
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("*") if path.is_file()}
    _finish(study, whole.parents[1])
    assert before == {path: path.stat().st_mtime_ns for path in whole.rglob("*") if path.is_file()}
