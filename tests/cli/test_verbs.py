from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rareseg.cli.main import main
from tiny import make_tiny_dataset


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


def test_inspect_lists_outliers_where_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Three of 39 images are the same foreign picture with the same mask; the list on the page is read back."""
    folder = make_tiny_dataset(tmp_path / "data", num_images=39, size=(40, 40))
    rows = [
        f"im{n:02d},images/im{n:02d}.png,masks/im{n:02d}.png,{'val' if n > 33 else 'train'},g{n}"
        for n in range(39)
    ]
    (folder / "samples.csv").write_text("sample_id,image,mask,split,group\n" + "\n".join(rows) + "\n")
    head = np.zeros((40, 40), np.uint8)
    head[8:32, 8:32] = 1
    foreign = ["im05", "im11", "im36"]
    for name in foreign:
        Image.fromarray(head * 250).save(folder / "images" / f"{name}.png")
        Image.fromarray(head).save(folder / "masks" / f"{name}.png")
    assert main(["inspect", str(folder), "--out", str(tmp_path / "out"), "--quiet", "--outliers"]) == 0
    assert "3 images of different groups have the same mask" in capsys.readouterr().out
    found = json.loads((tmp_path / "out" / "fingerprint.json").read_text())["outliers"]
    assert found["masks"]["exclude"] == foreign
    assert [row["sample"] for row in found["reconstruction"]["images"][:3]] == foreign
    assert "<h2>Outliers</h2>" in (tmp_path / "out" / "inspection.html").read_text()
    yaml = folder / "dataset.yaml"
    yaml.write_text(yaml.read_text() + f"exclude: {json.dumps(found['exclude'])}\n")
    assert main(["inspect", str(folder), "--json"]) == 0
    after = json.loads(capsys.readouterr().out)
    assert (after["num_images"], after["excluded"], after["outliers"]["exclude"]) == (36, foreign, [])


def test_init_does_not_look_for_outliers(tiny_dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "--init", str(tiny_dataset), "--outliers"]) == 2
    assert "--outliers cannot take effect" in capsys.readouterr().err


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
