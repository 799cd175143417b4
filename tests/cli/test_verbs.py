from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from rareseg.cli.main import main
from rareseg.config.dataset import DatasetSettings
from rareseg.data.open_dataset import open_dataset
from rareseg.models.build import MODELS, build_model
from tiny import make_tiny_dataset, make_tiny_study, model_param


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


@pytest.mark.parametrize("columns", ["ImageId,ClassId,EncodedPixels", "ImageId_ClassId, Pixels"])
def test_predicted_run_lengths_read_back_as_the_same_label_maps(
    columns: str, finished_study: Path, tmp_path: Path
) -> None:
    run, images = finished_study / "remedy" / "seed-0", finished_study.parent / "data" / "images"
    command = ["predict", str(run), str(images), "--device", "cpu", "--quiet", "--out"]
    assert main([*command, str(tmp_path / "png")]) == 0
    assert main([*command, str(tmp_path / "labels.csv"), "--format", "rle_csv", "--columns", columns]) == 0
    joined = {"joined_column": "ImageId_ClassId", "runs_column": "Pixels"} if "_" in columns else {}
    settings = DatasetSettings(
        name="back",
        root=str(tmp_path),
        format="rle_csv",
        images=str(images),
        rle_csv={"file": "labels.csv", **joined},
        classes=[{"name": "background"}, {"name": "square"}, {"name": "line"}],
    )
    source = open_dataset(settings)
    assert source.sample_ids == tuple(f"im{n:02d}" for n in range(9))
    for name in source.sample_ids:
        expected = np.array(Image.open(tmp_path / "png" / f"{name}.png"))
        np.testing.assert_array_equal(source.read_mask(name), expected)


def test_predict_refuses_columns_of_pngs(
    finished_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, images = finished_study / "remedy" / "seed-0", finished_study.parent / "data" / "images"
    command = ["predict", str(run), str(images), "--device", "cpu", "--quiet", "--out", str(tmp_path / "png")]
    assert main([*command, "--columns", "a,b"]) == 2
    assert "png have no columns" in capsys.readouterr().err
    assert not (tmp_path / "png").exists()


def test_predict_takes_a_stack_of_tiles_and_writes_a_flat_table(
    finished_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, folder = finished_study / "remedy" / "seed-0", finished_study.parent / "data" / "images"
    files = sorted(folder.glob("*.png"))
    tiles = np.stack([np.asarray(Image.open(file)) for file in files])
    joined = np.stack([tiles, tiles], axis=1)
    np.savez_compressed(tmp_path / "data.npz", training_set=joined, test_set=tiles)
    command = ["predict", str(run), "--device", "cpu", "--quiet", "--out"]
    assert main([*command, str(tmp_path / "files"), str(folder)]) == 0
    assert main([*command, str(tmp_path / "tiles"), str(tmp_path / "data.npz")]) == 0
    assert main([*command, str(tmp_path / "t.csv"), "--format", "flat_csv", str(tmp_path / "data.npz")]) == 0
    rows = [line.split(",") for line in (tmp_path / "t.csv").read_text().splitlines()]
    assert rows[0] == ["id", *map(str, range(72 * 88))]
    for number, file in enumerate(files):
        expected = np.array(Image.open(tmp_path / "files" / file.name))
        found = np.array(Image.open(tmp_path / "tiles" / f"{number:04d}.png"))
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(np.array(rows[number + 1], int), [number, *expected.ravel()])
    capsys.readouterr()
    assert main([*command, str(tmp_path / "x"), "--key", "training_set", str(tmp_path / "data.npz")]) == 2
    assert "training_set' is 9 x 2 x 72 x 88 uint8" in capsys.readouterr().err.replace("\n", " ")
    assert main([*command, str(tmp_path / "x"), "--key", "test_set", str(folder)]) == 2
    assert "--key names an array of an .npz" in capsys.readouterr().err.replace("\n", " ")


def test_init_takes_an_npz(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "tiles.npz"
    masks = np.zeros((3, 40, 50), np.uint8)
    masks[:, 3] = 1
    np.savez(path, images=np.zeros((3, 40, 50), np.uint8), masks=masks)
    assert main(["inspect", "--init", str(path)]) == 0
    assert yaml.safe_load((tmp_path / "dataset.yaml").read_text())["npz"]["file"] == "tiles.npz"
    assert main(["inspect", "--init", str(path)]) == 2
    assert main(["inspect", "--init", str(tmp_path / "dataset.yaml")]) == 2
    assert "is not a folder; --init takes" in capsys.readouterr().err


def test_a_study_of_a_stack_trains_and_predicts(tmp_path: Path) -> None:
    data = make_tiny_dataset(tmp_path / "data")
    names = [f"im{number:02d}" for number in range(9)]
    stack = [
        np.stack([np.asarray(Image.open(data / folder / f"{name}.png")) for folder in ("images", "masks")])
        for name in names
    ]
    parts = np.repeat(["train", "val", "test"], 3)
    np.savez(tmp_path / "stack.npz", tiles=np.stack(stack), split=parts, scene=np.arange(9) // 3)
    dataset = {
        "name": "stack",
        "format": "npz",
        "npz": {"file": "stack.npz", "images": "tiles", "mask_channel": "last"},
        "classes": [{"name": name} for name in ("background", "square", "line")],
        "group": {"column": "scene"},
        "split": {"kind": "column"},
    }
    (tmp_path / "dataset.yaml").write_text(yaml.safe_dump(dataset))
    study = make_tiny_study(
        tmp_path / "study", data, dataset=str(tmp_path / "dataset.yaml"), strategies={"a": {}}
    )
    runs = tmp_path / "runs"
    assert main(["inspect", str(tmp_path), "--out", str(tmp_path / "inspection"), "--quiet"]) == 0
    assert main(["run", str(study), "--out", str(runs), "--device", "cpu", "--quiet"]) == 0
    assert main(["report", str(runs)]) == 0
    with Image.open(runs / "a/seed-0/predictions/test/tiles__0007.png") as found:
        assert found.size == (88, 72)


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
    assert sorted(path.name for path in out.iterdir()) == ["good.png", "predict.json"]


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


@pytest.mark.parametrize("name", [model_param(name) for name in MODELS])
def test_every_model_has_a_cost_table(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", name, "--bands", "1", "--classes", "2", "--size", "50", "--batch", "1"]) == 0
    rows = capsys.readouterr().out.strip().splitlines()
    parameters = sum(p.numel() for p in build_model(name, in_channels=1, num_classes=2).parameters())
    assert f"| {parameters} |" in rows[-1]


def test_cost_takes_any_option_of_the_model(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["-o", "base_channels=2", "-o", "depth=1", "--option", "rates=[2, 3]"]
    assert main(["cost", "double_unet", *options]) == 0
    shown = capsys.readouterr().out
    assert shown.count("first.bottom.branches") == 2 * 3  # a convolution and a norm each
    assert "bottom.branches.3" not in shown


def test_demo_writes_strips_of_steel(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["demo", "--kind", "steel", "--out", str(tmp_path / "demo"), "--quiet"]
    assert main([*command, "--data-only", "--images", "2", "--size", "96"]) == 0
    assert "dataset.yaml" in capsys.readouterr().out
    with Image.open(tmp_path / "demo" / "data" / "images" / "steel_00001.jpg") as image:
        assert image.size == (600, 96)
    assert main(command) == 2
    assert "add --data-only" in capsys.readouterr().err
    assert main([*command, "--data-only", "--kind", "stel"]) == 2
    assert "Did you mean 'steel'?" in capsys.readouterr().err


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
