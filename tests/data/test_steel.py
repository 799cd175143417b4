"""Synthetic strips: pure functions of their arguments, with the contest's shares and sizes of defects."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from rareseg.config.load import parse_settings
from rareseg.data.run_lengths import decode_run_lengths
from rareseg.data.steel import make_steel
from rareseg.data.steel_defects import place_steel_defects
from rareseg.data.steel_settings import STEEL_DEFECTS, SteelSettings, defects_of
from rareseg.errors import ConfigError, OptionError

SMALL = SteelSettings(size=(64, 400))


def test_a_strip_is_a_function_of_seed_and_index() -> None:
    first, again = make_steel(3, 5, SMALL), make_steel(3, 5, SMALL)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.layers, again.layers)
    assert (first.image != make_steel(3, 6, SMALL).image).any()
    assert (first.image != make_steel(4, 5, SMALL).image).any()


def test_kinds_say_which_defects_are_there() -> None:
    for index in range(40):
        strip = make_steel(0, index, SMALL)
        held = tuple(name for name, layer in zip(STEEL_DEFECTS, strip.layers, strict=True) if layer.any())
        assert held == tuple(name for name in STEEL_DEFECTS if name in defects_of(strip.kind))


@pytest.mark.parametrize("seed", [0, 1])
def test_images_have_defects_as_often_as_in_the_contest(seed: int) -> None:
    settings = SteelSettings(size=(32, 64))
    kinds = [make_steel(seed, index, settings).kind for index in range(250)]
    images = Counter(name for kind in kinds for name in defects_of(kind) or ("clean",))
    # Images with each class in the contest's train.csv, of 12 568.
    real = {"pitting": 897, "inclusion": 247, "scratch": 5150, "patch": 801, "clean": 5902}
    for name, number in real.items():
        assert abs(images[name] - 250 * number / 12568) <= 2.5, name


def test_the_default_kinds_are_those_of_the_contest(shared_data: Path) -> None:
    path = shared_data / "severstal_meta" / "defect_types.csv"
    if not path.exists():
        pytest.skip(f"'{path}' is not on this machine")
    found: Counter[str] = Counter()
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            names = [name for name, value in zip(STEEL_DEFECTS, "1234", strict=True) if row[value] == "1"]
            found["+".join(names) or "clean"] += 1
    assert dict(found) == SteelSettings().kinds


@pytest.mark.parametrize("kind", STEEL_DEFECTS)
def test_defects_differ_from_the_steel_around_them(kind: str) -> None:
    strongest = []
    for index in range(6):
        settings = SteelSettings(size=(128, 800), kinds={kind: 1}, dark_ends=0)
        strip = make_steel(0, index, settings)
        plain = make_steel(0, index, settings.model_copy(update={"contrast": 0.0}))
        change = np.abs(strip.image.astype(float) - plain.image) / np.maximum(plain.image, 1)
        inside = strip.layers.any(axis=0)
        # The few percent of pits or fine lines that an outline is drawn around.
        strongest.append(np.percentile(change[inside], 97))
        assert np.median(change[~inside]) == 0
    assert min(strongest) > 0.08 and np.median(strongest) > 0.2


def test_ends_without_steel_are_dark_and_hold_no_defect() -> None:
    settings = SteelSettings(size=(64, 400), dark_ends=1, kinds={"scratch+patch": 1})
    for index in range(12):
        strip = make_steel(2, index, settings)
        dark = ndimage.median_filter(strip.image, 5) < 12
        ends = dark[:, 0].all(), dark[:, -1].all()
        assert ends in ((True, False), (False, True))
        assert not strip.layers[:, dark].any()
    assert not (make_steel(2, 0, SteelSettings(size=(64, 400), dark_ends=0)).image.mean(axis=0) < 12).any()


def geometry(masks: list[NDArray[np.bool_]]) -> dict[str, float]:
    """Medians over regions, and the mean share of an image."""
    regions = []
    for mask in masks:
        labelled, _ = ndimage.label(mask, np.ones((3, 3)))
        for number, place in enumerate(ndimage.find_objects(labelled), start=1):
            pixels = int((labelled[place] == number).sum())
            height, width = (side.stop - side.start for side in place)
            if pixels >= 100:  # smaller ones in the pseudo-labels are crumbs
                regions.append((pixels, height, width, height / width, pixels / height / width))
    area, height, width, aspect, fill = np.median(regions, axis=0)
    return {
        "area": area,
        "height": height,
        "width": width,
        "aspect": aspect,
        "fill": fill,
        "regions": len(regions) / len(masks),
        "cover": float(np.mean([mask.mean() for mask in masks])),
    }


@pytest.mark.parametrize("name", ["pitting", "scratch", "patch"])
def test_outlines_are_as_large_as_in_the_contest(name: str, shared_data: Path) -> None:
    """Against pseudo-labels of the contest's test images, which hold a single inclusion."""
    path = shared_data / "severstal_meta" / "pseudo.csv"
    if not path.exists():
        pytest.skip(f"'{path}' is not on this machine")
    index = STEEL_DEFECTS.index(name)
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["ImageId_ClassId"].endswith(f"_{index + 1}")]
    real = geometry(
        [decode_run_lengths(text, (256, 1600)) for row in rows[::3] if (text := row["EncodedPixels"])]
    )
    settings = SteelSettings()
    made = geometry(
        [
            place_steel_defects(np.random.default_rng(number), settings, (name,), (0, 1600)).outlines[index]
            for number in range(80)
        ]
    )
    for key, value in real.items():
        assert value / 1.6 < made[key] < value * 1.6, f"{key}: {made[key]:.4g} against {value:.4g}"


@pytest.mark.parametrize(
    "kinds", [{"dent": 1}, {"scratch+scratch": 1}, {"clean+scratch": 1}, {"clean": 0}, {"": 1}, {}]
)
def test_kinds_that_cannot_be_meant_are_refused(kinds: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="steel"):
        parse_settings(SteelSettings, {"kinds": kinds}, where="steel")


def test_numbers_count_from_zero() -> None:
    with pytest.raises(OptionError, match="count from 0"):
        make_steel(-1, 0)
