"""Deliberate mistakes: each gives one line that names what, where and the cure, exit code 2, and trains nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rareseg.cli.main import main
from tiny import make_tiny_study

Spoil = Callable[[Path], None]


def _edit(folder: Path, old: str, new: str, *, name: str = "dataset.yaml") -> None:
    path = folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _missing_mask(folder: Path) -> None:
    _edit(folder, ",masks/im04.png", ",", name="samples.csv")
    (folder / "masks" / "im04.png").unlink()


def _size_mismatch(folder: Path) -> None:
    Image.fromarray(np.zeros((70, 88), np.uint8)).save(folder / "masks" / "im01.png")


def _unknown_value(folder: Path) -> None:
    mask = np.zeros((72, 88), np.uint8)
    mask[12, 40] = 6
    Image.fromarray(mask).save(folder / "masks" / "im02.png")


def _unknown_color(folder: Path) -> None:
    for path in (folder / "masks").glob("*.png"):
        lookup = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0]], np.uint8)
        colors = lookup[np.array(Image.open(path))]
        if path.stem == "im05":
            colors[3, 7] = (1, 2, 3)
        Image.fromarray(colors).save(path)
    _edit(
        folder,
        "classes: [{name: background}, {name: square}, {name: line}]",
        "masks: {kind: rgb}\nclasses: [{name: background, color: '#000000'}, {name: square, color: '#ff0000'}, "
        "{name: line, color: '#00ff00'}]",
    )


def _truncated_image(folder: Path) -> None:
    path = folder / "images" / "im07.png"
    path.write_bytes(path.read_bytes()[:900])


def _duplicate_id(folder: Path) -> None:
    _edit(folder, "im03,images/im03.png", "im00,images/im03.png", name="samples.csv")


def _empty_split(folder: Path) -> None:
    path = folder / "samples.csv"
    path.write_text(path.read_text().replace(",val,", ",train,"))


def _class_without_training_image(folder: Path) -> None:
    for name in ("im00", "im01", "im02"):
        path = folder / "masks" / f"{name}.png"
        mask = np.array(Image.open(path))
        mask[mask == 2] = 0
        Image.fromarray(mask).save(path)


def _torn_group(folder: Path) -> None:
    _edit(
        folder,
        "im04,images/im04.png,masks/im04.png,val,g1",
        "im04,images/im04.png,masks/im04.png,val,g0",
        name="samples.csv",
    )


def _unknown_key(folder: Path) -> None:
    _edit(folder, "samples:", "sample:")


def _wrong_band(folder: Path) -> None:
    _edit(folder, "name: tiny\n", "name: tiny\nbands: [0, 3]\n")


def _not_yaml(folder: Path) -> None:
    _edit(folder, "name: tiny\n", "name: [tiny\n")


MISTAKES: dict[str, tuple[Spoil, str]] = {
    "missing mask": (_missing_mask, r"im04.*mask.*(masks\.missing|exclude)"),
    "size mismatch": (_size_mismatch, r"im01.*70 x 88.*72 x 88|im01.*72 x 88.*70 x 88"),
    "unknown value": (
        _unknown_value,
        r"im02\.png' holds the value 6 at \(row 12, col 40\).*(Add a class|ignore)",
    ),
    "unknown colour": (
        _unknown_color,
        r"im05\.png' holds the colour #?010203 at \(row 3, col 7\).*(Add a class|ignore)",
    ),
    "truncated image": (
        _truncated_image,
        r"im07\.png' .*(truncated|cannot be read).*(exclude|again|replace)",
    ),
    "duplicate id": (_duplicate_id, r"'im00'.*(twice|line)"),
    "empty split": (_empty_split, r"val.*(empty|no sample)"),
    "class without training image": (_class_without_training_image, r"'line'.*train"),
    "group in two parts": (_torn_group, r"'g0'.*im0.*im04|'g0'.*im04.*im0"),
    "unknown key": (_unknown_key, r"there is no key 'sample'\. Did you mean 'samples'"),
    "band that is not there": (_wrong_band, r"band.*3|3.*band"),
    "not yaml": (_not_yaml, r"not valid YAML at line"),
}


def _one_line(capsys: pytest.CaptureFixture[str]) -> str:
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("error: ")
    return line


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_the_data(
    name: str, tiny_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, message = MISTAKES[name]
    spoil(tiny_dataset)
    study = make_tiny_study(tmp_path, tiny_dataset)
    assert main(["run", str(study), "--out", str(tmp_path / "runs"), "--device", "cpu", "--quiet"]) == 2
    line = _one_line(capsys)
    assert re.search(message, line), line
    assert not list((tmp_path / "runs").rglob("*.safetensors"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"strategies": {"a": {"loss": "focl"}}}, r"no loss named 'focl'\. Did you mean 'focal'"),
        (
            {"strategies": {"a": {"loss": {"name": "focal", "gama": 2}}}},
            r"no key .*gama.*Did you mean 'gamma'",
        ),
        (
            {"strategies": {"a": {"use": "focal_isfc"}}},
            r"no strategy named 'focal_isfc'\. Did you mean 'focal_iscf'",
        ),
        ({"strategies": {"a": {"sampling": "balanced"}}}, r"strategies\.a: .*Write shares: \{class: 0\.5\}"),
        (
            {"strategies": {"a": {"sampling": {"name": "uniform", "leave_out": {"samples": ["im01x"]}}}}},
            r"strategies\.a: .*no training sample named 'im01x'\. Did you mean 'im01'",
        ),
        (
            {"strategies": {"a": {"sampling": {"name": "equal_pixels", "include_background": True}}}},
            r"infeasible: in every mixture .* times the smallest \(background against line\); set 'include_background",
        ),
        (
            {"strategies": {"a": {"head": "sigmoid", "loss": "logit_adjustment"}}},
            r"works with a softmax, but the head is a sigmoid\. Weigh the channels instead",
        ),
        (
            {"strategies": {"a": {"augmentation": {"copy_paste": {"classes": ["sqare"]}}}}},
            r"'sqare'.*Did you mean 'square'",
        ),
        ({"scoring": {"leave_out": ["im4"]}}, r"no judged sample .* named 'im4'\. Did you mean 'im04'"),
        ({"strategies": {"a": {"schedule": "step"}}}, r"strategies\.a.*needs 'every'"),
        (
            {"strategies": {"a": {"head": {"name": "softmax", "gate": {"bta": 2}}}}},
            r"gate\.bta.*Did you mean 'beta'",
        ),
        (
            {"strategies": {"a": {"sampling": "unifrom"}}},
            r"no sampling plan named 'unifrom'\. Did you mean 'uniform'",
        ),
        (
            {"strategies": {"a": {"sampling": {"name": "oversample", "shares": {"sqare": 0.5}}}}},
            r"'sqare'.*Did you mean 'square'",
        ),
        (
            {"strategies": {"a": {"model": {"name": "unet", "depth": 6}}}},
            r"strategies\.a: A patch of 32 x 32 pixels would be mirrored to 64 x 64, since the model's stride is 64",
        ),
        (
            {
                "strategies": {
                    "a": {"model": "one_conv", "head": {"name": "one_vs_rest", "shared_encoder": True}}
                }
            },
            r"choose one of the models .*se_unet, unet, unetplusplus, or leave 'shared_encoder' out",
        ),
        ({"strategies": {"a": {"model": "une"}}}, r"no model named 'une'\. Did you mean 'unet'"),
        ({"strategies": {"a": {"augmentation": {"flip": True}}}}, r"no key 'flip'\. Did you mean 'flips'"),
        ({"dataset": "nowhere/dataset.yaml"}, r"nowhere.dataset\.yaml' does not exist"),
    ],
)
def test_a_mistake_in_the_study(
    change: dict[str, object],
    message: str,
    tiny_dataset: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    study = make_tiny_study(tmp_path, tiny_dataset, **change)
    assert main(["run", str(study), "--out", str(tmp_path / "runs"), "--device", "cpu", "--quiet"]) == 2
    assert re.search(message, _one_line(capsys))
    assert not list((tmp_path / "runs").rglob("*.safetensors"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nowhere"], "nowhere' does not exist"),
        (["report", "nowhere"], "nowhere"),
        (["inspect", "nowhere"], "nowhere' does not exist"),
        (["predict", "nowhere", "x.png", "--out", "y"], "no image"),
        (["predict"], "Missing argument"),
        (["trian"], "trian"),
        (["schema", "datset"], "Did you mean 'dataset'"),
        (["cost", "unet", "-o", "depth"], "Expected an option as KEY=VALUE, but got 'depth'"),
        (["cost", "double_unet", "-o", "rates=[1,"], "The value of 'rates=[1,' is not YAML"),
        (["cost", "one_conv", "--base-channels", "3"], "there is no key 'base_channels'"),
        (["run", "x", "--device", "tpu"], "x' does not exist"),
    ],
)
def test_a_mistake_on_the_command_line(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert message in _one_line(capsys)


def test_an_unknown_device_is_refused(
    tiny_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_tiny_study(tmp_path, tiny_dataset)
    assert main(["run", str(study), "--out", str(tmp_path / "runs"), "--device", "tpu", "--quiet"]) == 2
    assert "use auto, cpu, cuda, cuda:N or mps" in _one_line(capsys)


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("file/labels", "Not a directory; a file is in the way; give another place."),
        ("x" * 300, "File name too long; give a shorter name."),
    ],
)
def test_a_place_that_cannot_be_written_is_named_in_one_line(
    finished_study: Path, out: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    run, images = finished_study / "baseline" / "seed-0", finished_study.parent / "data" / "images"
    place = str(tmp_path / out)
    assert main(["predict", str(run), str(images), "--out", place, "--device", "cpu", "--quiet"]) == 2
    assert _one_line(capsys).strip().endswith(message)
    assert main(["report", str(finished_study), "--out", f"{place}/report.html", "--quiet"]) == 2
    assert _one_line(capsys).strip().endswith(message)
