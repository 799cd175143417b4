"""Tuning of finished runs: what is stored, chosen, judged and kept."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rareseg.artefacts import read_json
from rareseg.cli.main import main
from rareseg.config.aim import AimSettings
from rareseg.config.load import parse_settings
from rareseg.errors import ArtefactError, ConfigError
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.region_table import RegionTable
from rareseg.study import tune_run as tuning
from rareseg.study.judge_decision import decide
from rareseg.study.load_run import load_run
from rareseg.study.read_decision import read_decision
from rareseg.study.score_maps import read_score_map, score_map_path
from rareseg.study.tune_run import tune_run
from tiny import make_tiny_dataset, make_tiny_study

NAMES = ("background", "square", "line")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of a study that keeps scores: a plain one and one with a gate."""
    folder = tmp_path_factory.mktemp("tuned")
    study = make_tiny_study(
        folder,
        make_tiny_dataset(folder / "data"),
        budget={"steps": 30, "batch_size": 4, "patch_size": 32},
        record={"score_maps": True},
        strategies={
            "baseline": {},
            "gated": {"head": {"name": "softmax", "gate": {"base_channels": 4, "depth": 2}}},
        },
    )
    assert main(["run", str(study), "--out", str(folder / "runs"), "--device", "cpu", "--quiet"]) == 0
    return folder / "runs"


@pytest.fixture
def run(runs: Path, tmp_path: Path) -> Path:
    """A run of its own for each test."""
    shutil.copytree(runs, tmp_path / "runs")
    return tmp_path / "runs" / "baseline" / "seed-0"


def last(table: CountsTable | RegionTable, split: str) -> np.ndarray:
    chosen = table.select(step=table.last_step(), split=split)
    return np.stack([chosen[name] for name in chosen.columns_of_values], axis=1)


def test_the_tuned_decision_is_chosen_judged_and_kept(run: Path) -> None:
    tuned = tune_run(run, AimSettings(name="f_beta"))
    counts, regions = CountsTable.read(run / "counts.parquet"), RegionTable.read(run / "regions.parquet")
    for split in ("val", "test"):
        # The run's own decision, judged on stored scores, gives what its evaluation gave.
        np.testing.assert_array_equal(last(tuned.before[split].counts, split), last(counts, split))
        np.testing.assert_allclose(last(tuned.before[split].regions, split), last(regions, split))
    kept = read_json(run / "decision.json", kind="decision")
    assert kept == read_json(run / "decisions" / "f_beta.json", kind="decision")
    assert kept["figures"]["val"]["after"]["aim"] >= kept["figures"]["val"]["before"]["aim"]
    assert set(kept["decision"]) >= {"name", "temperature"}
    assert (kept["chosen_on"], kept["validation_regions"]["line"]) == ("val", [3, 1])
    middle = next(row for row in kept["trade_off"]["test"] if row["shift"] == 0)
    assert middle["aim"] == pytest.approx(kept["figures"]["test"]["after"]["aim"])
    assert read_decision(run) == (kept["decision"], None)


def test_predict_takes_the_tuned_decision(run: Path, runs: Path, tmp_path: Path) -> None:
    """Label maps of the command line equal those of stored scores, pixel by pixel."""
    tune_run(run, AimSettings(name="f_beta"))
    images = runs.parent / "data" / "images"
    found = {}
    for decision in ("own", "argmax", "tuned", str(run / "decisions" / "f_beta.json")):
        out = tmp_path / Path(decision).name
        arguments = ["predict", str(run), str(images), "--out", str(out), "--decision", decision]
        assert main([*arguments, "--device", "cpu", "--quiet"]) == 0
        found[Path(decision).name] = np.array(Image.open(out / "im07.png"))
    stored = read_score_map(score_map_path(run, "test", "im07"), class_names=NAMES)
    np.testing.assert_array_equal(found["argmax"], stored.likeliest)
    np.testing.assert_array_equal(found["own"], stored.likeliest)
    settings, _ = read_decision(run)
    np.testing.assert_array_equal(found["tuned"], decide(settings, stored, class_names=NAMES))
    np.testing.assert_array_equal(found["f_beta.json"], found["tuned"])
    assert (found["tuned"] != found["argmax"]).any()


def test_the_gate_is_tuned_too(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs, tmp_path / "runs")
    run = tmp_path / "runs" / "gated" / "seed-0"
    tuned = tune_run(run, AimSettings(name="contest_dice"))
    assert tuned.chosen.gate is not None
    settings, gate = read_decision(run)
    assert gate == tuned.chosen.gate
    model = load_run(run, device="cpu", decision="tuned")
    assert model.judge.gate is not None
    assert model.judge.gate.threshold == gate
    assert model.judge.decision.temperature == settings["temperature"]


def test_scores_are_made_once_where_they_were_not_kept(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass that is cut off leaves what it wrote, and the next one makes the rest alone."""
    kept = {path.name: path.read_bytes() for path in (run / "score_maps" / "test").iterdir()}
    shutil.rmtree(run / "score_maps" / "test")
    study = run.parents[1] / "study.yaml"
    assert "dataset" in study.read_text()
    asked: list[int] = []
    made = tuning.make_score_maps

    def counting(folder: Path, images: list[tuple[str, str]], **options: object) -> None:
        asked.append(len(images))
        if len(asked) == 1:
            made(folder, images[:1], **options)  # type: ignore[arg-type]
            raise KeyboardInterrupt
        made(folder, images, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(tuning, "make_score_maps", counting)
    with pytest.raises(KeyboardInterrupt):
        tune_run(run, AimSettings(name="f_beta"), device="cpu")
    tune_run(run, AimSettings(name="f_beta"), device="cpu")
    tune_run(run, AimSettings(name="contest_dice"), device="cpu")
    assert asked == [3, 2]
    for path in (run / "score_maps" / "test").iterdir():
        assert read_score_map(path, class_names=NAMES).bins.size
        assert path.read_bytes() == kept[path.name]


def test_a_decision_is_not_searched_for_twice(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = tune_run(run, AimSettings(name="f_beta"))
    monkeypatch.setattr(tuning, "choose_decision", None)
    again = tune_run(run, AimSettings(name="f_beta"))
    assert again.chosen == first.chosen
    with pytest.raises(TypeError):  # another beta is another aim
        tune_run(run, AimSettings(name="f_beta", beta=2.0))


def test_a_class_without_validation_regions_is_left_alone(run: Path) -> None:
    for path in (run.parents[1] / "evaluated" / "val").glob("*.mask.png"):
        with Image.open(path) as found:
            mask, palette = np.array(found), found.getpalette()
        mask[mask == 2] = 0
        image = Image.fromarray(mask)
        image.putpalette(palette or [])
        image.save(path)
    chosen = tune_run(run, AimSettings(name="f_beta")).chosen
    assert chosen.kept == ("line",)
    assert "line" not in chosen.decision.get("thresholds", {})
    assert "line" not in chosen.decision.get("smallest_region", {})


def test_mistakes_are_told(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="Make it: rareseg tune"):
        load_run(run, device="cpu", decision="tuned")
    with pytest.raises(ArtefactError, match="Give tuned, argmax, own or the path"):
        read_decision(run, "tund")
    with pytest.raises(ArtefactError, match="is no finished run"):
        tune_run(tmp_path, AimSettings(name="f_beta"))
    for values, text in (
        ({"name": "recall"}, "needs --max-false-alarms"),
        ({"name": "cost"}, "needs --costs"),
        ({"name": "contest_dice", "beta": 2.0}, "--beta is for the aim 'f_beta'"),
    ):
        with pytest.raises(ConfigError, match=text):
            parse_settings(AimSettings, values, where="tune")
