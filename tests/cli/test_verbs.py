from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rareseg.cli.main import main


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("rareseg ")


def test_inspect_prints_one_json_object(tiny_dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(tiny_dataset), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["num_images"] == 9
    assert [item["name"] for item in found["classes"]] == ["background", "square", "line"]
    line = found["classes"][2]
    assert set(line) >= {"name", "value", "pixels", "images", "regions"}
    assert line["images"] == 9
    masks = [np.array(Image.open(path)) for path in (tiny_dataset / "masks").glob("*.png")]
    assert line["pixels"] == sum(int((mask == 2).sum()) for mask in masks)
    assert set(found) >= {"ratio_matrix", "weights", "splits", "leaks", "warnings"}
    assert set(found["weights"]) >= {"icf", "iscf"}


def test_inspect_writes_a_page(tiny_dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "look"
    assert main(["inspect", str(tiny_dataset), "--out", str(out), "--quiet"]) == 0
    assert (out / "fingerprint.json").exists()
    assert "<html" in (out / "inspection.html").read_text()[:2000]


def test_init_plan_and_parse(tiny_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tiny_dataset / "dataset.yaml").unlink()
    assert main(["inspect", "--init", str(tiny_dataset)]) == 0
    assert main(["inspect", "--init", str(tiny_dataset)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["plan", str(tiny_dataset)]) == 0
    from rareseg.config.study import load_study_settings

    study = load_study_settings(tiny_dataset)
    assert {"baseline", "focal_iscf", "oversample_rarest"} <= set(study.strategies)


def test_report_on_real_runs(
    finished_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.html"
    assert main(["report", str(finished_study), "--out", str(out)]) == 0
    text = out.read_text()
    for word in ("baseline", "remedy", "square", "line"):
        assert word in text
    assert str(out) in capsys.readouterr().out.replace("\n", "")


def test_predict_equals_the_evaluated_label_map(finished_study: Path, tmp_path: Path) -> None:
    run = finished_study / "remedy" / "seed-0"
    images = finished_study.parent / "data" / "images"
    assert main(["predict", str(run), str(images), "--out", str(tmp_path), "--device", "cpu", "--quiet"]) == 0
    written = sorted(tmp_path.glob("*.png"))
    assert [path.stem for path in written] == [f"im{n:02d}" for n in range(9)]
    for name, split in (("im03", "val"), ("im07", "test")):
        expected = Image.open(run / "predictions" / split / f"{name}.png")
        found = Image.open(tmp_path / f"{name}.png")
        assert found.mode == "P"
        assert np.array_equal(np.array(expected), np.array(found))


def test_predict_goes_on_past_a_broken_file(
    finished_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    Image.fromarray(np.zeros((40, 50), np.uint8)).save(folder / "good.png")
    (folder / "bad.png").write_bytes(b"not an image")
    out = tmp_path / "out"
    run = finished_study / "baseline" / "seed-0"
    assert main(["predict", str(run), str(folder), "--out", str(out), "--device", "cpu", "--quiet"]) == 2
    assert "1 of 2 images could not be used" in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ["good.png"]


def test_predict_explains_what_a_run_is(
    finished_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = tmp_path / "a.png"
    Image.fromarray(np.zeros((40, 50), np.uint8)).save(image)
    assert main(["predict", str(finished_study), str(image), "--out", str(tmp_path / "o")]) == 2
    assert "Name one of its runs, such as" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["dataset", "study"])
def test_schema_is_json(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", name]) == 0
    assert json.loads(capsys.readouterr().out)["additionalProperties"] is False


def test_cost_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "--base-channels", "32"]) == 0
    assert "7767397" in capsys.readouterr().out.replace(",", "")


def test_predict_warns_of_images_in_other_numbers(
    finished_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The training images in 0 to 255 are given as floats in 0 to 1."""
    folder = tmp_path / "in"
    folder.mkdir()
    images = finished_study.parent / "data" / "images"
    for name in ("im03", "im04", "im05"):
        image = np.asarray(Image.open(images / f"{name}.png"))
        Image.fromarray(image.astype(np.float32) / 255).save(folder / f"{name}.tif")
    run = finished_study / "baseline" / "seed-0"
    arguments = [
        "predict",
        str(run),
        str(folder),
        "--out",
        str(tmp_path / "out"),
        "--device",
        "cpu",
        "--quiet",
    ]
    assert main(arguments) == 0
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(
        f"warning: '{folder / 'im03.tif'}' does not look like the training images: band 0 has mean"
    )
    assert line.endswith(
        "the pixels look divided by 255 (0 to 1 instead of 0 to 255). Nor do 2 of the other images."
    )
    arguments[2] = str(images)
    assert main(arguments) == 0
    assert capsys.readouterr().err == ""
