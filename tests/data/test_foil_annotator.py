"""The annotator misses, confuses and coarsens at the rates asked for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label

from rareseg.data.foil import make_foil
from rareseg.data.foil_annotator import annotate_foil
from rareseg.data.foil_settings import FOIL_CLASSES, FoilAnnotatorSettings, FoilSettings


def field_of_discs(index: int, *, per_side: int = 25, pitch: int = 22, radius: float = 5.0) -> np.ndarray:
    y, x = np.mgrid[: per_side * pitch, : per_side * pitch] % pitch - pitch // 2
    return np.where(np.hypot(y, x) <= radius, index, 0).astype(np.uint8)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


@pytest.mark.parametrize(
    ("name", "rate"), [("cavity", 0.3), ("crack", 0.05), ("blade_trail", 0.0), ("agglomeration", 1.0)]
)
def test_the_missed_share_of_regions_is_the_one_set(name: str, rate: float) -> None:
    mask = field_of_discs(FOIL_CLASSES.index(name))
    settings = FoilAnnotatorSettings(missed={name: rate}, confused={})
    drawn = annotate_foil(rng(), mask, settings)
    regions, count = label(mask)
    seen = np.unique(regions[drawn > 0])
    missed = 1 - np.count_nonzero(seen) / count
    # Three standard deviations of a share of 625 regions.
    assert missed == pytest.approx(rate, abs=3 * np.sqrt(rate * (1 - rate) / count) + 1e-9)
    assert set(np.unique(drawn)) <= {0, FOIL_CLASSES.index(name)}


def test_the_confused_share_gets_the_class_it_resembles() -> None:
    mask = field_of_discs(FOIL_CLASSES.index("crack"))
    drawn = annotate_foil(rng(), mask, FoilAnnotatorSettings(missed={}, confused={"crack": 0.2}))
    pixels = np.bincount(drawn.ravel(), minlength=5)
    assert pixels[FOIL_CLASSES.index("agglomeration")] == pixels[FOIL_CLASSES.index("cavity")] == 0
    assert pixels[FOIL_CLASSES.index("blade_trail")] / pixels[1:].sum() == pytest.approx(0.2, abs=0.05)


def test_a_drawn_region_grows_as_asked() -> None:
    mask = field_of_discs(1)
    drawn = annotate_foil(rng(), mask, FoilAnnotatorSettings(missed={}, confused={}, growth=1.3))
    assert (drawn > 0).sum() / (mask > 0).sum() == pytest.approx(1.3, rel=0.05)


def test_outlines_differ_but_stay_close() -> None:
    mask = field_of_discs(1)
    drawn = annotate_foil(rng(), mask, FoilAnnotatorSettings(missed={}, confused={}))
    both, either = ((mask > 0) & (drawn > 0)).sum(), ((mask > 0) | (drawn > 0)).sum()
    assert 0.6 < both / either < 0.95


def test_a_thin_line_stays_a_line() -> None:
    mask = np.zeros((80, 200), np.uint8)
    mask[39:42, 20:180] = 2
    drawn = annotate_foil(rng(), mask, FoilAnnotatorSettings(missed={}, confused={}))
    assert (drawn[:, 25:175] == 2).any(axis=0).mean() > 0.95


def test_a_perfect_annotator_changes_nothing() -> None:
    mask = make_foil(0, 5, FoilSettings(size=(256, 256))).mask
    perfect = FoilAnnotatorSettings(missed={}, confused={}, coarseness=0, shift=0, growth=1)
    assert len(np.unique(mask)) > 3
    np.testing.assert_array_equal(annotate_foil(rng(), mask, perfect), mask)


def test_the_given_mask_is_not_changed_and_the_same_seed_draws_the_same() -> None:
    mask = field_of_discs(1, per_side=5)
    before = mask.copy()
    first = annotate_foil(rng(5), mask, FoilAnnotatorSettings())
    np.testing.assert_array_equal(mask, before)
    np.testing.assert_array_equal(annotate_foil(rng(5), mask, FoilAnnotatorSettings()), first)
    assert not annotate_foil(rng(), np.zeros((20, 20), np.uint8), FoilAnnotatorSettings()).any()
