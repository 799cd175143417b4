from __future__ import annotations

import base64
import io
import shutil

import numpy as np
import pytest
from PIL import Image

from rareseg.errors import ArtefactError
from rareseg.report.load_runs import load_runs
from rareseg.report.overlays import error_overlay
from rareseg.report.palette import ERROR_COLORS
from rareseg.report.panels import make_panels
from rareseg.report.spots import Spot, choose_spots, crop_around

NAMES = ("background", "agglomeration", "crack", "cavity")


def opened(uri: str) -> np.ndarray:
    """The picture behind a data URI as RGBA."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))).convert("RGBA"))


def test_error_overlay_has_one_colour_for_each_kind_of_error():
    target = np.array([[0, 0, 1, 1, 1, 255]], np.uint8)
    prediction = np.array([[0, 2, 1, 0, 2, 1]], np.uint8)
    shown = opened(error_overlay(target, prediction, 0))[0]
    hexes = [None if pixel[3] == 0 else "#{:02x}{:02x}{:02x}".format(*pixel[:3]) for pixel in shown]
    kinds = ERROR_COLORS
    assert hexes == [None, kinds["false"], kinds["hit"], kinds["missed"], kinds["other class"], "#8c8c8c"]


def test_panel_counts_are_those_of_its_window(runs):
    study = load_runs(runs)
    panels = make_panels(study, split="test")
    assert {panel.title.split("'")[1] for panel in panels if "missed" in panel.title} <= set(NAMES[1:])
    for panel in panels:
        rows, cols = panel.window.slices
        mask = np.asarray(Image.open(runs / "evaluated" / "test" / f"{panel.image}.mask.png"))[rows, cols]
        assert [view.strategy for view in panel.views] == list(study.strategies)
        assert opened(panel.annotation).shape[:2] == (panel.window.height, panel.window.width)
        for view in panel.views:
            path = runs / view.strategy / f"seed-{view.seed}" / "predictions" / "test" / f"{panel.image}.png"
            said = np.asarray(Image.open(path))[rows, cols]
            for index, name in enumerate(NAMES[1:], start=1):
                valid = mask != 255
                hit = int(((mask == index) & (said == index)).sum())
                false = int(((mask != index) & (said == index) & valid).sum())
                missed = int(((mask == index) & (said != index)).sum())
                assert view.counts.get(name, (0, 0, 0)) == (hit, false, missed)


def test_all_strategies_are_shown_with_one_seed(runs):
    panels = make_panels(load_runs(runs), split="val", most_missed=1, most_disputed=1)
    assert len(panels) == 2
    assert {view.seed for panel in panels for view in panel.views} == {0}


def test_worst_missed_image_of_a_class_comes_first(runs):
    study = load_runs(runs)
    shown = [study.finished(name)[0] for name in study.strategies]
    spot = next(s for s in choose_spots(study, shown, split="test") if s.class_name == "crack")
    missed: dict[str, int] = {}
    for run in shown:
        table = run.counts.select(step=1000, split="test")
        for image, counts in zip(*table.per_image("crack"), strict=True):
            missed[str(image)] = missed.get(str(image), 0) + int(counts[2])
    assert missed[spot.image] == max(missed.values())


def test_crop_lies_inside_and_holds_the_thing():
    mask = np.zeros((400, 600), np.uint8)
    mask[390:396, 595:600] = 3
    nothing = np.zeros_like(mask)
    window = crop_around(Spot("missed", "a", "cavity", ""), mask, [nothing, mask], NAMES)
    assert window == (304, 504, 96, 96)


def test_crop_of_a_large_image_finds_a_small_thing():
    mask = np.zeros((3000, 5000), np.uint8)
    mask[2000:2010, 4000:4010] = 1
    window = crop_around(Spot("disputed", "a", "agglomeration", ""), mask, [mask, np.zeros_like(mask)], NAMES)
    assert window is not None
    assert window.row <= 2000 and window.row + window.height >= 2010
    assert window.col <= 4000 and window.col + window.width >= 4010


def test_crop_of_nothing_is_none():
    mask = np.zeros((50, 50), np.uint8)
    assert crop_around(Spot("missed", "a", "crack", ""), mask, [mask], NAMES) is None


def test_images_without_pictures_are_passed_over(runs, tmp_path):
    folder = shutil.copytree(runs, tmp_path / "runs")
    shutil.rmtree(folder / "evaluated")
    assert make_panels(load_runs(folder), split="test") == ()


def test_prediction_of_another_size_is_an_error(runs, tmp_path):
    folder = shutil.copytree(runs, tmp_path / "runs")
    for path in (folder / "baseline" / "seed-0" / "predictions" / "test").iterdir():
        Image.fromarray(np.zeros((3, 3), np.uint8)).save(path)
    with pytest.raises(
        ArtefactError, match=r"should have the size \(140, 200\) of its mask, but has \(3, 3\)"
    ):
        make_panels(load_runs(folder), split="test")
