from __future__ import annotations

import numpy as np
import pytest

from rareseg.training.cutout import find_cutout
from rareseg.types import Window

KNOWN = np.ones((40, 50), bool)


def _mask() -> np.ndarray:
    return np.zeros((40, 50), np.uint8)


def test_the_defect_with_its_rim() -> None:
    mask = _mask()
    mask[10:13, 20:26] = 2
    cutout = find_cutout(mask, KNOWN, [1, 2], rim=3, u=[0.5, 0.5])
    assert cutout is not None
    assert cutout.window == Window(7, 17, 9, 12)
    assert cutout.zone.all()
    assert np.array_equal(cutout.support, mask[7:16, 17:29] == 2)
    assert np.array_equal(cutout.ground, ~cutout.support)
    assert (cutout.ground_class, cutout.at_row_border, cutout.at_col_border) == (0, False, False)


def test_what_lies_close_is_one_defect_of_several_classes() -> None:
    mask = _mask()
    mask[10, 10], mask[10, 15], mask[10, 23] = 1, 2, 1
    cutout = find_cutout(mask, KNOWN, [1, 2], rim=3, u=[0.0, 0.0])
    assert cutout is not None
    assert cutout.support.sum() == 2
    assert cutout.window == Window(7, 7, 7, 12)


def test_classes_are_equally_likely_then_their_defects() -> None:
    mask = _mask()
    for col in (5, 15, 25):
        mask[5, col] = 1
    mask[30, 30] = 2
    u = np.linspace(0, 0.999, 24)
    chosen = [find_cutout(mask, KNOWN, [1, 2], rim=2, u=[a, b]) for a in u for b in u]
    places = [cutout.window[:2] for cutout in chosen if cutout is not None]
    numbers = {place: places.count(place) for place in places}
    assert numbers == {(3, 3): 96, (3, 13): 96, (3, 23): 96, (28, 28): 288}


@pytest.mark.parametrize(
    ("window", "rows", "cols"),
    [
        (Window(0, 10, 3, 3), True, False),
        (Window(1, 10, 3, 3), True, False),
        (Window(36, 10, 3, 3), True, False),
        (Window(35, 10, 3, 3), False, False),
        (Window(10, 46, 3, 3), False, True),
        (Window(2, 2, 3, 3), False, False),
    ],
)
def test_borders(window: Window, rows: bool, cols: bool) -> None:
    mask = _mask()
    mask[window.slices] = 1
    cutout = find_cutout(mask, KNOWN, [1], rim=2, u=[0, 0])
    assert cutout is not None
    assert (cutout.at_row_border, cutout.at_col_border) == (rows, cols)


def test_defects_that_may_be_cut_off_are_left_out() -> None:
    mask = _mask()
    mask[10:13, 10:13] = 1
    mask[10:13, 13] = 255
    assert find_cutout(mask, KNOWN, [1], rim=2, u=[0, 0]) is None
    mask[10:13, 13], known = 0, KNOWN.copy()
    known[9, 9] = False
    assert find_cutout(mask, known, [1], rim=2, u=[0, 0]) is None
    mask[:21, :30] = 1
    assert find_cutout(mask, KNOWN, [1], rim=2, u=[0, 0]) is None
    assert find_cutout(_mask(), KNOWN, [1], rim=2, u=[0, 0]) is None


def test_the_ground_is_what_most_of_the_rim_shows() -> None:
    mask = _mask()
    mask[:, 20:] = 3
    mask[10:14, 18:28] = 1
    cutout = find_cutout(mask, KNOWN, [1], rim=2, u=[0, 0])
    assert cutout is not None
    assert cutout.ground_class == 3
    assert cutout.zone[:, :4].any()
    assert not cutout.ground[:, :4].any()
