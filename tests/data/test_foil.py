"""Synthetic foils: reproducible, in the shares of Table 3.2, and masks that fit the relief."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, label

from rareseg.config.load import parse_settings
from rareseg.data.foil import Foil, make_foil
from rareseg.data.foil_settings import FOIL_CLASSES, FoilSettings
from rareseg.errors import ConfigError, OptionError

SMALL = FoilSettings(size=(160, 192))
TABLE_3_2 = {"agglomeration": 40, "crack": 111, "cavity": 1571, "blade_trail": 82}
PLAIN = {"absent": {}, "distractors": 0, "grain": 0, "waviness": 0}


@pytest.fixture(scope="module")
def default_set() -> list[tuple[np.ndarray, np.ndarray]]:
    """Exact and annotated masks of the default 26 foils."""
    return [(foil.mask, foil.annotated) for foil in (make_foil(0, index) for index in range(26))]


def only(name: str, ratio: float, **changes: object) -> FoilSettings:
    """Foils with one kind of defect on an even surface."""
    return FoilSettings.model_validate(
        {**PLAIN, "background_ratio": {name: ratio}, "size": (256, 256), **changes}
    )


def arrays(foil: Foil) -> dict[str, np.ndarray]:
    return {field.name: getattr(foil, field.name) for field in dataclasses.fields(foil)}


def test_shapes_types_and_ranges() -> None:
    foil = make_foil(0, 1, SMALL)
    assert foil.images.shape == (4, 160, 192) and foil.images.dtype == np.uint16
    assert foil.images.max() < 4096
    assert foil.normals.shape == (3, 160, 192) and foil.normals.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(foil.normals, axis=0), 1, atol=1e-5)
    assert 0.3 < foil.albedo.mean() < 0.6
    assert foil.mask.dtype == foil.annotated.dtype == np.uint8
    assert foil.mask.max() < len(FOIL_CLASSES) and foil.annotated.max() < len(FOIL_CLASSES)


def test_a_foil_is_a_function_of_seed_and_index_alone() -> None:
    first = arrays(make_foil(7, 2, SMALL))
    make_foil(7, 0, SMALL)
    np.random.default_rng().random()
    again = arrays(make_foil(7, 2, SMALL))
    for name, value in first.items():
        np.testing.assert_array_equal(again[name], value)
    for other in (make_foil(7, 3, SMALL), make_foil(8, 2, SMALL)):
        assert not np.array_equal(other.images, first["images"])


def test_the_annotator_changes_nothing_but_his_mask() -> None:
    careless = FoilSettings.model_validate(
        {"size": (160, 192), "annotator": {"missed": dict.fromkeys(TABLE_3_2, 1.0)}}
    )
    foil, other = make_foil(0, 4, SMALL), make_foil(0, 4, careless)
    np.testing.assert_array_equal(foil.images, other.images)
    np.testing.assert_array_equal(foil.mask, other.mask)
    assert not other.annotated.any()


@pytest.mark.parametrize("which", [0, 1], ids=["exact", "annotated"])
def test_shares_are_near_table_3_2(default_set: list[tuple[np.ndarray, np.ndarray]], which: int) -> None:
    pixels = sum(np.bincount(masks[which].ravel(), minlength=5) for masks in default_set)
    for name, ratio in TABLE_3_2.items():
        found = pixels[0] / pixels[FOIL_CLASSES.index(name)]
        assert ratio / 1.25 < found < ratio * 1.25, f"{name}: 1 : {found:.0f}, the table has 1 : {ratio}"


def test_classes_come_and_go_but_are_in_both_parts(default_set: list[tuple[np.ndarray, np.ndarray]]) -> None:
    for index in range(1, 5):
        images = [(mask == index).any(axis=1) for mask, _ in default_set]
        assert 15 <= sum(rows.any() for rows in images) < 26
        assert sum(rows[:169].any() for rows in images) >= 8
        assert sum(rows[169:].any() for rows in images) >= 15


def test_larger_foils_hold_the_same_shares() -> None:
    settings = FoilSettings(size=(1100, 1100), absent={})
    pixels = np.bincount(make_foil(1, 0, settings).mask.ravel(), minlength=5)
    for name, ratio in TABLE_3_2.items():
        # One foil holds from a quarter to 1.75 times the mean.
        assert 0.2 < pixels[FOIL_CLASSES.index(name)] * ratio / pixels[0] < 2.1


@pytest.mark.parametrize(
    ("name", "ratio", "sign"), [("cavity", 300, -1), ("crack", 40, -1), ("agglomeration", 20, 1)]
)
def test_masks_fit_the_relief(name: str, ratio: float, sign: int) -> None:
    for index in range(3):
        foil = make_foil(0, index, only(name, ratio))
        inside = foil.mask == FOIL_CLASSES.index(name)
        assert inside.any()
        regions, count = label(inside, np.ones((3, 3)))
        for number in range(1, count + 1):
            region = regions == number
            around = binary_dilation(region, iterations=3) & ~inside
            assert sign * (foil.height[region].mean() - foil.height[around].mean()) > 0.02
        far = ~binary_dilation(inside, iterations=14)
        assert np.abs(foil.height[far]).max() < 1e-3


def test_trails_are_long_narrow_and_along_the_rows() -> None:
    foil = make_foil(0, 1, only("blade_trail", 60, size=(512, 512)))
    regions, count = label(foil.mask == 4)
    assert count >= 1
    rows, cols = np.nonzero(regions == np.bincount(regions.ravel())[1:].argmax() + 1)
    assert np.ptp(rows) > 3 * np.ptp(cols)


def test_normals_of_the_captures_are_those_of_the_relief() -> None:
    settings = only("agglomeration", 30, electrons=1e9, read_noise=0, bits=16)
    foil = make_foil(0, 0, settings)
    down, right = np.gradient(foil.height.astype(float))
    smooth = np.hypot(down, right) < 0.02
    normals = np.stack([-right, -down, np.ones_like(down)]) / np.sqrt(right**2 + down**2 + 1)
    assert smooth.mean() > 0.8
    # The optics blur by 0.6 pixels, so the edge of a smooth part sees its steeper neighbour.
    assert np.abs(foil.normals - normals)[:, smooth].mean() < 1e-3


def test_without_relief_and_distractors_only_albedo_tells() -> None:
    foil = make_foil(0, 1, FoilSettings(size=(96, 96), relief=0, grain=0, waviness=0, distractors=0))
    assert not foil.height.any()


def test_mistakes_are_named() -> None:
    with pytest.raises(OptionError, match=r"count from 0, but \(-1, 0\) came"):
        make_foil(-1, 0, SMALL)
    with pytest.raises(ConfigError, match=r"no key 'grian'\. Did you mean 'grain'"):
        parse_settings(FoilSettings, {"grian": 0.1}, where="foil")
    with pytest.raises(ConfigError, match=r"background_ratio.scratch.*agglomeration"):
        parse_settings(FoilSettings, {"background_ratio": {"scratch": 10}}, where="foil")
