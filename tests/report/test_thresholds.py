"""Rates at several thresholds: from trained sigmoid and two-class runs, against their probabilities."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from PIL import Image

from rareseg.config.study import load_study_settings
from rareseg.errors import ConfigError, OptionError
from rareseg.report.load_runs import load_runs
from rareseg.report.markdown_summary import markdown_summary
from rareseg.report.results import split_results
from rareseg.report.section_thresholds import thresholds_section
from rareseg.report.threshold_results import threshold_results
from rareseg.report.write_report import write_report
from rareseg.study.load_run import load_run
from rareseg.study.run_study import run_study
from tiny import make_tiny_dataset, make_tiny_study

STRATEGIES: dict[str, Any] = {"plain": {}, "channels": {"head": "sigmoid", "optimizer": {"lr": 0.02}}}
BUDGET = {"steps": 8, "batch_size": 2, "patch_size": 32}
RECORD = {"validate_every": 4, "checkpoint_steps": []}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_dataset(tmp_path_factory.mktemp("thresholds") / "data")


@pytest.fixture(scope="module")
def runs(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes, by softmax and by sigmoids, with two seeds."""
    folder = tmp_path_factory.mktemp("study")
    study = make_tiny_study(folder, data, strategies=STRATEGIES, seeds=[0, 1], budget=BUDGET, record=RECORD)
    run_study(load_study_settings(study), folder / "runs", device="cpu")
    return folder / "runs"


def brute(folder: Path, data: Path, part: str, index: int, edge: float) -> np.ndarray:
    """TP, FP, FN, TN of a class from the probabilities of the joined sigmoid channels."""
    judge = load_run(folder, device="cpu").judge
    total = np.zeros(4, np.int64)
    with (data / "samples.csv").open() as file:
        names = [row["sample_id"] for row in csv.DictReader(file) if row["split"] == part]
    for name in names:
        image = torch.from_numpy(np.array(Image.open(data / "images" / f"{name}.png"))[None, None])
        truth = np.asarray(Image.open(data / "masks" / f"{name}.png")) == index
        odds = judge.predictor.engine.run(image)[0].double().exp().numpy()
        said = odds[index - 1] / (1 + odds.sum(axis=0)) >= edge
        total += [int(n.sum()) for n in (said & truth, said & ~truth, ~said & truth, ~said & ~truth)]
    return total


def test_counts_at_each_threshold_are_those_of_the_probabilities(runs: Path, data: Path) -> None:
    study = load_runs(runs)
    rows = threshold_results(study, split_results(study, split="test", num_resamples=2), num_resamples=2)
    assert {row.name for row in rows} == {
        "channels"
    }  # softmax over three classes is no matter of a threshold
    assert [(row.class_name, row.asked) for row in rows] == [
        (name, share) for name in ("square", "line") for share in (0.25, 0.5, 0.75)
    ]
    for row in rows:
        edge = 1 / (1 + np.exp(-np.round(np.log(row.asked / (1 - row.asked)), 1)))
        assert row.used == pytest.approx(edge)
        index = ("square", "line").index(row.class_name) + 1
        seeds = [brute(runs / "channels" / f"seed-{seed}", data, "test", index, edge) for seed in (0, 1)]
        # Scores on the very edge may fall either way in other roundings.
        assert row.rates.counts == pytest.approx(np.mean(seeds, axis=0), abs=2)
    assert any(row.rates.counts[0] > 0 for row in rows)
    assert len({row.rates.counts for row in rows}) > 2


def test_rates_follow_from_each_seeds_counts(runs: Path, data: Path) -> None:
    study = load_runs(runs)
    rows = threshold_results(study, split_results(study, split="test", num_resamples=2), num_resamples=2)
    row = next(row for row in rows if (row.class_name, row.asked) == ("line", 0.25))
    seeds = [brute(runs / "channels" / f"seed-{seed}", data, "test", 2, row.used) for seed in (0, 1)]
    expected = {
        "accuracy": np.mean([(tp + tn) / (tp + fp + fn + tn) for tp, fp, fn, tn in seeds]),
        "tpr": np.mean([tp / (tp + fn) for tp, fp, fn, tn in seeds]),
        "specificity": np.mean([tn / (tn + fp) for tp, fp, fn, tn in seeds]),
    }
    for name, value in expected.items():
        assert row.rates.rates[name].mean == pytest.approx(value, abs=2e-3)


def test_page_and_markdown_show_the_scan(runs: Path, tmp_path: Path, parse) -> None:
    page = parse(write_report(runs, tmp_path / "r.html").read_text())
    assert page.problems == []
    assert "25 % at 24.97 %, 50 % at 50.00 %, 75 % at 75.03 %" in page.words
    assert len([row for row in page.cells("channels", "25.0 %") if len(row) == 12]) == 4  # classes and splits
    lines = markdown_summary(load_runs(runs)).splitlines()
    assert (
        len(
            [
                line
                for line in lines
                if line.startswith(("| square | channels | 75.0", "| line | channels | 75.0"))
            ]
        )
        == 4
    )


def test_study_yaml_names_the_thresholds(runs: Path, tmp_path: Path) -> None:
    copy = tmp_path / "runs"
    shutil.copytree(runs, copy)
    settings = yaml.safe_load((copy / "study.yaml").read_text())
    for thresholds, expected in ((None, {0.25, 0.5, 0.75}), ([0.1], {0.1}), ([], set())):
        settings["scoring"] = {} if thresholds is None else {"thresholds": thresholds}
        (copy / "study.yaml").write_text(yaml.safe_dump(settings))
        study = load_runs(copy)
        rows = threshold_results(study, split_results(study, split="test", num_resamples=2), num_resamples=2)
        assert {row.asked for row in rows} == expected
    assert thresholds_section(study, {"test": ()}, interval=0.95) is None


def test_two_classes_need_no_sigmoid(maker, tmp_path: Path) -> None:
    """With two classes the softmax too is a single probability."""
    recipe = maker.Recipe(
        strategies=("baseline",), seeds=(0,), splits=("test",), failed=(), pictures=False, num_images=4
    )
    folder = maker.make_runs(tmp_path / "runs", recipe)
    study = load_runs(folder)
    assert (
        threshold_results(study, split_results(study, split="test", num_resamples=2), num_resamples=2) == ()
    )
    two = ("background", "agglomeration")
    data = json.loads((folder / "data.json").read_text())
    data.update(class_names=list(two), class_colors=data["class_colors"][:2])
    (folder / "data.json").write_text(json.dumps(data))
    place = folder / "baseline" / "seed-0"
    for name in ("counts", "regions", "scores"):
        table = pq.read_table(place / f"{name}.parquet")
        pq.write_table(
            table.filter([value in two for value in table["class"].to_pylist()]), place / f"{name}.parquet"
        )
    study = load_runs(folder)
    rows = threshold_results(study, split_results(study, split="test", num_resamples=2), num_resamples=2)
    assert [(row.class_name, row.asked) for row in rows] == [("agglomeration", s) for s in (0.25, 0.5, 0.75)]


def test_thresholds_that_nothing_can_be_scanned_at_are_refused(data: Path, tmp_path: Path) -> None:
    study = make_tiny_study(
        tmp_path, data, strategies={"plain": {}}, budget=BUDGET, record=RECORD, scoring={"thresholds": [0.1]}
    )
    with pytest.raises(OptionError, match="there are 3 classes and softmax heads only; leave it out"):
        run_study(load_study_settings(study), tmp_path / "runs", device="cpu")


@pytest.mark.parametrize("thresholds", [[0.5, 0.5], [0], [25, 50]])
def test_thresholds_are_probabilities(thresholds: list[float], data: Path, tmp_path: Path) -> None:
    study = make_tiny_study(tmp_path, data, scoring={"thresholds": thresholds})
    with pytest.raises(ConfigError, match="different probabilities between 0 and 1"):
        load_study_settings(study)
