"""The scripts in ``examples`` run as a newcomer would run them, only smaller."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rareseg.data.photometric_stereo import light_directions

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def run(script: str, *arguments: object, folder: Path) -> str:
    """Standard output of an example, started in an empty folder with temporary files inside it."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / script), *map(str, arguments)],
        cwd=folder,
        env=_environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(folder), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def test_five_lines(tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = run(
        "five_lines.py", "--steps", 2, "--foil-size", 96, "--patch-size", 32, "--out", out, folder=tmp_path
    )
    assert f"Report: {out / 'report.html'}" in said
    assert (out / "inspection.html").exists()
    assert "focal_iscf" in (out / "report.html").read_text(encoding="utf-8")


def test_five_lines_on_a_dataset_of_ones_own(tiny_dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = run("five_lines.py", tiny_dataset, "--steps", 2, "--patch-size", 32, "--out", out, folder=tmp_path)
    assert f"Report: {out / 'report.html'}" in said


def test_inspect_folder(tmp_path: Path) -> None:
    said = run("inspect_folder.py", "--page", tmp_path / "page.html", folder=tmp_path)
    assert said.startswith("6 images, 0.10 megapixels\n")
    assert (tmp_path / "page.html").exists()


def test_inspect_folder_without_a_description(tiny_dataset: Path, tmp_path: Path) -> None:
    (tiny_dataset / "dataset.yaml").unlink()
    said = run("inspect_folder.py", tiny_dataset, folder=tmp_path)
    assert said.startswith("9 images, 0.06 megapixels\n")


def test_judge_predictions(tmp_path: Path) -> None:
    target = np.zeros((2, 20, 20), np.uint8)
    target[:, 5:9, 5:10] = 1
    guess = target.copy()
    guess[:, 8] = 0
    guess[0, 15, 15] = 1
    for name, stack in (("masks", target), ("predictions", guess)):
        (tmp_path / name).mkdir()
        for number, image in enumerate(stack):
            Image.fromarray(image).save(tmp_path / name / f"{number}.png")
    said = run("judge_predictions.py", "masks", "predictions", folder=tmp_path)
    # 40 true pixels, 30 found, 1 false: TPR 30/40, precision 30/31, FPR 1/760, Dice 60/71.
    assert "defect: TPR 0.750, FPR 0.00132, precision 0.968" in said
    assert "defect: Dice 0.845" in said
    assert "2 of 2 regions found, 1 of 3 predicted are false" in said


def test_judge_predictions_made_up(tmp_path: Path) -> None:
    assert "defect: Dice" in run("judge_predictions.py", folder=tmp_path)


def test_photometric_stereo_of_a_tilted_plane(tmp_path: Path) -> None:
    azimuth, normal = (0, 90, 180, 270), np.array([0.28, 0.0, 0.96])  # tilted by 16.26 degrees
    shades = 200 * light_directions(azimuth, 30) @ normal
    ramp = np.linspace(0.5, 1, 24 * 32).reshape(24, 32)
    names = [f"{angle}.png" for angle in azimuth]
    for name, shade in zip(names, shades, strict=True):
        Image.fromarray((ramp * shade).round().astype(np.uint8)).save(tmp_path / name)
    said = run("photometric_stereo.py", *names, "--azimuth", *azimuth, "--polar", 30, folder=tmp_path)
    assert "4 lights, 24 x 32 pixels" in said
    assert "median slope 16." in said


def test_photometric_stereo_of_a_foil(tmp_path: Path) -> None:
    said = run("photometric_stereo.py", "--out", "pictures", folder=tmp_path)
    assert "4 lights, 512 x 512 pixels" in said
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == ["albedo.png", "normals.png"]


def test_augmentation(tiny_dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "changed.png"
    options = ("--patches", 3, "--patch-size", 32, "--changes", "{flips: true, copy_paste: {probability: 1}}")
    said = run("augmentation.py", tiny_dataset, *options, "--out", out, folder=tmp_path)
    assert f"Picture: {out}" in said
    with Image.open(out) as picture:
        assert picture.size == (3 * 68, 2 * 68)  # Twice as large, with two pixels of frame on each side.
        above, below = np.split(np.asarray(picture), 2)
    assert not np.array_equal(above, below)


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_every_example_has_a_test_and_help(script: Path, tmp_path: Path) -> None:
    assert f'"{script.name}"' in Path(__file__).read_text()
    assert "usage:" in run(script.name, "--help", folder=tmp_path)
