"""``rareseg predict`` as users type it: several formats, what is done already, progress, and options that are wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rareseg.artefacts import locked
from rareseg.cli.main import main
from rareseg.cli.predict_progress import PredictProgress


@pytest.fixture
def command(finished_study: Path, tmp_path: Path) -> list[str]:
    """Of nine images, results below ``out``."""
    run, images = finished_study / "remedy" / "seed-0", finished_study.parent / "data" / "images"
    return ["predict", str(run), str(images), "--device", "cpu", "--out", str(tmp_path / "out")]


@pytest.mark.parametrize(
    "formats", [["--format", "png, regions_csv"], ["--format", "png", "--format", "regions_csv"]]
)
def test_several_formats_in_one_run(
    formats: list[str], command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main([*command, *formats, "--quiet"]) == 0
    line = capsys.readouterr().out.replace("\n", "")
    assert re.search(r"9 label maps in .*out \(0\.05702 megapixels in [0-9.]+ s, [0-9.]+ a second\)", line)
    assert sorted(path.name for path in out.iterdir()) == ["png", "predict.json", "regions.csv"]
    labels = np.asarray(Image.open(out / "png/im00.png"))
    rows = [row.split(",") for row in (out / "regions.csv").read_text().splitlines()]
    areas = [int(row[4]) for row in rows if row[0] == "im00.png"]
    assert sum(areas) == (labels > 0).sum()
    assert main([*command, *formats, "--quiet"]) == 0
    assert (
        "9 label maps in" in (said := capsys.readouterr().out.replace("\n", ""))
        and "9 of them done before" in said
    )
    assert main([*command, *formats, "--quiet", "--overwrite"]) == 0
    assert "before" not in capsys.readouterr().out


def test_tiles_of_another_size_give_the_same_label_maps(command: list[str], tmp_path: Path) -> None:
    assert main([*command, "--quiet"]) == 0
    large = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.png")}
    assert main([*command, "--quiet", "--tile", "16", "--precision", "float32"]) == 0
    assert len(large) == 9
    assert large == {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.png")}


@pytest.mark.parametrize("form", ["png", "rle_csv"])
def test_two_processes_do_not_write_to_one_place(
    form: str, command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = tmp_path / "out" / ".lock" if form == "png" else tmp_path / "out.lock"
    with locked(lock):
        assert main([*command, "--format", form, "--quiet"]) == 2
    error = capsys.readouterr().err
    assert re.fullmatch(r"error: Another process is writing predictions to '.*out'; wait for it.*\n", error)
    assert main([*command, "--format", form, "--quiet"]) == 0
    assert not lock.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tile", "0"], "at least 1 row and column, but has 0"),
        (["--precision", "float16"], "The precision 'float16' is not known; use auto, float32 or bfloat16."),
        (["--format", "gif"], "There is no format of predictions named 'gif'"),
        (["--format", "png,png"], "one or more different formats, but names png, png"),
        (["--format", "png,coco", "--columns", "a,b"], "png, coco have no columns"),
    ],
)
def test_wrong_options_are_one_line(
    options: list[str], message: str, command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--quiet", *options]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_another_model_predicts_anew_and_says_so(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--quiet"]) == 0
    first = json.loads((tmp_path / "out/predict.json").read_text())
    assert main([*command, "--step", "6"]) == 0
    captured = capsys.readouterr()
    assert "all is predicted anew" in captured.err.replace("\n", " ") and "before" not in captured.out
    second = json.loads((tmp_path / "out/predict.json").read_text())
    assert first["job"]["model"] != second["job"]["model"]
    assert [record["name"] for record in second["images"]] == [f"im{number:02d}.png" for number in range(9)]


def test_progress_tells_speed_and_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two of six megapixels took 70 seconds, one was done before: three are left, 105 seconds."""
    now = [100.0]
    monkeypatch.setattr("rareseg.cli.predict_progress.time.monotonic", lambda: now[0])
    with PredictProgress(num_images=3, num_pixels=6_000_000, quiet=False) as progress:
        progress.moved(1_000_000, now=False, images=1)
        now[0] += 30
        progress.moved(1_000_000, now=True)
        now[0] += 40
        progress.moved(1_000_000, now=True, images=1)
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[-1] == "predicted 2/3 images, 3.0/6.0 megapixels, 0.03 a second, 0:01:45 left"
