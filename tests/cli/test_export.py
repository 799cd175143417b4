"""``rareseg export`` and ``predict`` with a bundle: the same label maps as with the run."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rareseg.artefacts import read_yaml, write_json
from rareseg.cli.main import main
from rareseg.metrics.counts_table import CountsTable

pytestmark = pytest.mark.usefixtures("shapes_unchecked")


@pytest.fixture(scope="module")
def runs(finished_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy whose files tests may change."""
    copy = tmp_path_factory.mktemp("copied") / "runs"
    shutil.copytree(finished_study, copy)
    return copy


def predicted(folder: Path) -> dict[str, np.ndarray]:
    return {path.name: np.asarray(Image.open(path)) for path in sorted(folder.rglob("*.png"))}


def test_all_formats_predict_as_the_run(
    runs: Path, finished_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, images = runs / "remedy" / "seed-1", finished_study.parent / "data" / "images"
    words = ["export", str(run), "--out", str(tmp_path / "b")]
    for form in ("safetensors", "onnx", "openvino"):
        words += ["--format", form]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "onnx: largest difference" in told and "from the images that judged the run" in told
    assert main(["predict", str(run), str(images), "--out", str(tmp_path / "run"), "--quiet"]) == 0
    expected = predicted(tmp_path / "run")
    assert len(expected) == 9 and any(labels.any() for labels in expected.values())
    for backend in ("torch", "onnxruntime", "openvino", "auto"):
        out = tmp_path / backend
        line = [
            "predict",
            str(tmp_path / "b"),
            str(images),
            "--out",
            str(out),
            "--backend",
            backend,
            "--quiet",
        ]
        assert main(line) == 0
        found = predicted(out)
        assert found.keys() == expected.keys()
        assert all(np.array_equal(found[name], expected[name]) for name in expected), backend


def test_quality_is_that_of_the_counts(runs: Path, tmp_path: Path) -> None:
    run = runs / "baseline" / "seed-0"
    assert main(["export", str(run), "--out", str(tmp_path / "b"), "--quiet"]) == 0
    quality = read_yaml(tmp_path / "b" / "bundle.yaml")["quality"]
    counts = CountsTable.read(run / "counts.parquet")
    tp, fp, fn, _ = counts.select(step=counts.last_step(), split="test").pooled()["square"]
    square = quality["classes"]["square"]
    assert square["iou"]["value"] == pytest.approx(tp / (tp + fp + fn), abs=1e-4)
    assert square["tpr"]["value"] == pytest.approx(tp / (tp + fn), abs=1e-4)
    assert (quality["split"], quality["num_images"], quality["num_seeds"]) == ("test", 3, 2)
    # All three test images show one object, which tells no spread.
    assert quality["num_groups"] == 1 and square["iou"]["low"] is None


def test_an_earlier_step_has_its_own_quality(runs: Path, tmp_path: Path) -> None:
    run = runs / "baseline" / "seed-0"
    assert main(["export", str(run), "--out", str(tmp_path / "b"), "--step", "6", "--quiet"]) == 0
    bundle = read_yaml(tmp_path / "b" / "bundle.yaml")
    tp, fp, fn, _ = CountsTable.read(run / "counts.parquet").select(step=6, split="test").pooled()["line"]
    assert bundle["quality"]["classes"]["line"]["iou"]["value"] == pytest.approx(
        tp / (tp + fp + fn), abs=1e-4
    )
    assert bundle["provenance"]["step"] == 6


def test_a_tuned_decision_travels_along(runs: Path, finished_study: Path, tmp_path: Path) -> None:
    run = runs / "remedy" / "seed-0"
    decision = {"name": "thresholds", "thresholds": {"line": 0.999}}
    record = {
        "decision": decision,
        "gate_threshold": None,
        "figures": {"test": {"after": {"classes": {"line": {"iou": 0.75, "tpr": 0.9, "precision": 0.8}}}}},
    }
    write_json(run / "decision.json", record, kind="decision")
    assert main(["export", str(run), "--out", str(tmp_path / "tuned"), "--quiet"]) == 0
    assert main(["export", str(run), "--out", str(tmp_path / "own"), "--decision", "own", "--quiet"]) == 0
    images = runs.parent / "images"
    shutil.copytree(finished_study.parent / "data" / "images", images)
    for model, name, wish in (
        (run, "by_run", ["--decision", "tuned"]),
        (tmp_path / "tuned", "by_bundle", []),
    ):
        assert (
            main(["predict", str(model), str(images), "--out", str(tmp_path / name), "--quiet", *wish]) == 0
        )
    by_run, by_bundle = predicted(tmp_path / "by_run"), predicted(tmp_path / "by_bundle")
    assert all(np.array_equal(by_run[name], by_bundle[name]) for name in by_run)
    (run / "decision.json").unlink()
    tuned, own = (read_yaml(tmp_path / name / "bundle.yaml") for name in ("tuned", "own"))
    assert (tuned["provenance"]["decision"], own["provenance"]["decision"]) == ("tuned", "own")
    assert (tuned["decision"], own["decision"]) == (decision, {"name": "argmax"})
    assert tuned["quality"] == {
        "split": "test",
        "classes": {"line": {"iou": {"value": 0.75}, "tpr": {"value": 0.9}, "precision": {"value": 0.8}}},
    }


def test_a_file_that_is_no_decision(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["export", str(runs / "baseline" / "seed-0"), "--out", str(tmp_path / "b")]
    assert main([*words, "--decision", "nothing.json"]) == 2
    assert "There is no decision 'nothing.json'" in capsys.readouterr().err
    assert not (tmp_path / "b").exists()


def test_checks_on_other_images_or_on_noise(
    runs: Path, finished_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["export", str(runs / "baseline" / "seed-0"), "--out", str(tmp_path / "b")]
    images = finished_study.parent / "data" / "images"
    assert main([*words, "--check", str(images)]) == 0
    assert f"(8 patches, from '{images}')" in capsys.readouterr().out
    assert main([*words, "--check", str(tmp_path / "empty")]) == 2
    assert "holds no image" in capsys.readouterr().err
    assert main([*words, "--check", str(images), "--root", str(images)]) == 2
    assert "leave one of them out" in capsys.readouterr().err
    study = read_yaml(runs / "study.yaml")
    text = (runs / "study.yaml").read_text()
    (runs / "study.yaml").write_text(text.replace(study["dataset"], str(tmp_path / "gone.yaml")))
    assert main(words) == 0
    (runs / "study.yaml").write_text(text)
    assert "noise, since the data are not at hand" in capsys.readouterr().out


def test_options_of_the_other_kind(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = runs / "baseline" / "seed-0"
    assert main(["export", str(run), "--out", str(tmp_path / "b"), "--quiet"]) == 0
    line = ["predict", str(run), "x.png", "--out", str(tmp_path / "o"), "--backend", "openvino"]
    Image.new("L", (8, 8)).save(tmp_path / "x.png")
    line[2] = str(tmp_path / "x.png")
    assert main(line) == 2
    assert "is for bundles" in capsys.readouterr().err
    line = [
        "predict",
        str(tmp_path / "b"),
        str(tmp_path / "x.png"),
        "--out",
        str(tmp_path / "o"),
        "--step",
        "6",
    ]
    assert main(line) == 2
    assert "is a bundle; leave it out" in capsys.readouterr().err
