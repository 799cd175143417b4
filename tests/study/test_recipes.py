"""Recipes, heads and phases in whole runs: what they leave, and that a stop in the middle changes nothing."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from rareseg.artefacts import read_json, read_parquet
from rareseg.config.study import load_study_settings
from rareseg.errors import Interrupted
from rareseg.metrics.counts import confusion_counts
from rareseg.study.load_run import load_run
from rareseg.study.run_study import run_study
from tiny import make_tiny_dataset, make_tiny_study

NAMES = ("background", "square", "line")
RECORD = {"log_every": 2, "validate_every": 2, "checkpoint_steps": [6], "checkpoint_seconds": 0}
RECIPES: dict[str, dict[str, Any]] = {
    "binary": {"head": "one_vs_rest", "sampling": "balanced"},
    "binary_at_equal_cost": {"head": {"name": "one_vs_rest", "budget": "shared"}},
    "shared_encoder": {"head": {"name": "one_vs_rest", "shared_encoder": True}, "loss": "focal"},
    "gate": {"head": {"name": "softmax", "gate": {"base_channels": 2, "depth": 1}}},
    "shut_gate": {"head": {"name": "softmax", "gate": {"base_channels": 2, "depth": 1, "threshold": 1.0}}},
    "average": {"ema": 0.9, "clip_gradient": 1.0, "optimizer": {"name": "sgd", "lr": 0.1}},
    "plateau": {"schedule": {"name": "plateau", "patience": 1, "min_delta": 1.0}, "weights": "best"},
    "early": {"early_stopping": {"patience": 2, "min_delta": 1.0}, "weights": "best", "ema": 0.5},
    "phases": {
        "head": "sigmoid",
        "phases": [
            {"share": 0.5, "loss": ["cross_entropy", "dice"]},
            {"share": 0.5, "loss": "tversky", "lr": 1e-4},
        ],
    },
    "dropout": {"model": {"name": "unet", "base_channels": 4, "depth": 2, "dropout": 0.3}},
    "turns": {"patch_sizes": {"sizes": [[32, 48], [48, 32]], "every": 3}},
    "paste": {"augmentation": {"flips": True, "rotation": 20, "copy_paste": {"probability": 1.0}}},
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny dataset with a blank image in each part, so that a gate has something to do."""
    folder = make_tiny_dataset(tmp_path_factory.mktemp("data"))
    for name in ("im00", "im03", "im06"):
        Image.fromarray(np.zeros((72, 88), np.uint8)).save(folder / "masks" / f"{name}.png")
    return folder


def run(study: Path, out: Path, *, stops: Callable[[], bool] = lambda: False) -> None:
    outcome = run_study(load_study_settings(study), out, device="cpu", stop_requested=stops)
    assert not outcome.failed


@pytest.fixture(scope="module")
def whole(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of all recipes that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    run(make_tiny_study(folder, tiny, strategies=RECIPES, record=RECORD), folder / "runs")
    return folder / "runs"


def log_of(folder: Path) -> list[tuple[str, str, str, str]]:
    with (folder / "log.csv").open() as file:
        return [(row["step"], row["loss"], row["lr"], row["val_score"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize("name", RECIPES)
def test_stops_in_the_middle_change_nothing(name: str, whole: Path, tiny: Path, tmp_path: Path) -> None:
    study = make_tiny_study(tmp_path, tiny, strategies={name: RECIPES[name]}, record=RECORD)
    asked = iter(step % 3 == 2 for step in range(100))
    for _ in range(20):
        try:
            run(study, tmp_path / "runs", stops=lambda: next(asked))
            break
        except Interrupted:
            continue
    expected, found = whole / name / "seed-0", tmp_path / "runs" / name / "seed-0"
    kept = sorted(path.name for path in expected.glob("*.safetensors"))
    assert sorted(path.name for path in found.glob("*.safetensors")) == kept
    assert not any(file.startswith("best-") for file in kept)
    for file in kept:
        if file != "latest.safetensors":
            first, second = load_file(expected / file), load_file(found / file)
            assert all(first[key].tobytes() == second[key].tobytes() for key in first)
    assert log_of(expected) == log_of(found)
    for table in ("counts", "regions", "scores"):
        assert read_parquet(expected / f"{table}.parquet").equals(read_parquet(found / f"{table}.parquet"))
    for kind in ("exposure", "gate"):
        if (expected / f"{kind}.json").exists():
            first, second = (read_json(folder / f"{kind}.json", kind=kind) for folder in (expected, found))
            assert first == second
    if (expected / "terms.csv").exists():
        assert (expected / "terms.csv").read_text() == (found / "terms.csv").read_text()


@pytest.mark.parametrize("name", RECIPES)
def test_a_finished_run_predicts_what_it_was_judged_by(name: str, whole: Path, tiny: Path) -> None:
    folder = whole / name / "seed-0"
    image = np.asarray(Image.open(tiny / "images" / "im04.png"))[None]
    labels = load_run(folder, device="cpu").judge.labels(
        lambda window: image[:, *window.slices], *image.shape[1:]
    )
    stored = np.asarray(Image.open(folder / "predictions" / "val" / "im04.png"))
    assert np.array_equal(labels, stored)


def test_costs_are_counted_honestly(whole: Path) -> None:
    costs = {name: read_json(whole / name / "seed-0" / "cost.json", kind="cost") for name in RECIPES}
    single = costs["average"]["megapixels"]
    assert single == pytest.approx(12 * 4 * 32 * 32 / 1e6)
    assert costs["binary"]["megapixels"] == pytest.approx(2 * single)
    assert [part["name"] for part in costs["binary"]["parts"]] == ["square", "line"]
    assert costs["binary_at_equal_cost"]["megapixels"] == pytest.approx(single)
    assert costs["gate"]["patches"] == 2 * 12 * 4
    assert costs["turns"]["megapixels"] == pytest.approx(12 * 4 * 32 * 48 / 1e6)
    assert costs["early"]["patches"] == 6 * 4  # the first validation and two without a rise
    assert costs["shared_encoder"]["parameters"] < costs["binary"]["parameters"]


def test_a_plateau_lowers_the_rate(whole: Path) -> None:
    rates = [float(lr) for _, _, lr, _ in log_of(whole / "plateau" / "seed-0")]
    assert rates == pytest.approx([1e-3, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7])


def test_the_best_weights_are_those_of_the_best_score(whole: Path) -> None:
    folder = whole / "plateau" / "seed-0"
    scores = {int(step): float(score) for step, _, _, score in log_of(folder) if score}
    best = max(scores, key=lambda step: (scores[step], -step))
    steps = set(read_parquet(folder / "counts.parquet")["step"].to_pylist())
    assert max(steps) == best
    assert steps == {step for step in (6, best) if step <= best}


def test_each_term_is_logged_in_each_phase(whole: Path) -> None:
    with (whole / "phases" / "seed-0" / "terms.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["step"], row["term"]) for row in rows] == [
        (str(step), term) for step in (2, 4, 6) for term in ("cross_entropy", "dice")
    ]
    for first, second in zip(rows[::2], rows[1::2], strict=True):
        assert float(first["gradient_share"]) + float(second["gradient_share"]) == pytest.approx(1, abs=1e-3)


def test_the_gate_is_chosen_on_validation_and_skips_images(whole: Path) -> None:
    folder = whole / "gate" / "seed-0"
    gate = read_json(folder / "gate.json", kind="gate")
    assert gate["chosen_on"] == "val"
    rows = {(row["split"], row["image"]): row for row in gate["images"]}
    assert len(rows) == 6
    assert [rows["val", name]["holds"] for name in ("im03", "im04", "im05")] == [False, True, True]
    for (split, image), row in rows.items():
        assert row["open"] == (row["score"] >= gate["threshold"])
        labels = np.asarray(Image.open(folder / "predictions" / split / f"{image}.png"))
        assert row["open"] or not labels.any()


@pytest.mark.parametrize(("strategy", "skips"), [("gate", False), ("shut_gate", True)])
def test_counts_without_the_gate_are_those_of_its_segmenter(
    strategy: str, skips: bool, whole: Path, tiny: Path
) -> None:
    """The segmenter is loaded without the gate and asked about every image, also those that the gate skips."""
    folder = whole / strategy / "seed-0"
    alone = replace(load_run(folder, device="cpu").judge, gate=None)
    gate = {row["image"]: row["open"] for row in read_json(folder / "gate.json", kind="gate")["images"]}
    with_gate, without = (
        {
            (row["image"], row["class"]): [row[key] for key in ("tp", "fp", "fn", "tn")]
            for row in read_parquet(folder / name / "counts.parquet").to_pylist()
            if row["step"] == 12
        }
        for name in (".", "ungated")
    )
    assert set(with_gate) == set(without)
    for name, is_open in gate.items():
        image = np.asarray(Image.open(tiny / "images" / f"{name}.png"))[None]
        mask = np.asarray(Image.open(tiny / "masks" / f"{name}.png"))
        labels = alone.labels(lambda window, image=image: image[:, *window.slices], *mask.shape)
        expected = confusion_counts(mask, labels, 3).tolist()
        assert [without[name, label] for label in NAMES] == expected
        assert not is_open or [with_gate[name, label] for label in NAMES] == expected
        if not is_open:
            nothing = confusion_counts(mask, np.zeros_like(mask), 3).tolist()
            assert [with_gate[name, label] for label in NAMES] == nothing
    assert all(is_open is not skips for is_open in gate.values())
    assert (with_gate != without) is skips
    assert not (whole / "average" / "seed-0" / "ungated").exists()


def test_pasted_defects_are_counted_as_seen(whole: Path) -> None:
    seen = {
        name: read_json(whole / name / "seed-0" / "exposure.json", kind="exposure")["pixels"]
        for name in ("paste", "average")
    }
    assert seen["paste"]["square"] > 1.5 * seen["average"]["square"]
