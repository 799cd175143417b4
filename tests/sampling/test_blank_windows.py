from __future__ import annotations

import numpy as np
import pytest

from rareseg.errors import SplitError
from rareseg.sampling.blank_windows import BlankWindows
from rareseg.sampling.class_locations import ClassLocations
from rareseg.sampling.plan import Corners, PlanContext
from rareseg.types import Region, Window

NAMES = ("background", "crack")


def context_of(mask, patch):
    return PlanContext(
        [Region("a", Window(0, 0, *mask.shape))], ClassLocations.from_masks([mask], NAMES), patch, NAMES
    )


def test_background_with_ignored_pixels_is_blank_but_ignored_pixels_alone_are_not():
    mask = np.array([[255, 255, 255, 0, 0, 1]], np.uint8)
    windows = BlankWindows(context_of(mask, (1, 2)))
    corners = Corners(np.zeros(5, np.int64), np.zeros(5, np.int64), np.arange(5))
    assert windows.is_blank(corners).tolist() == [False, False, True, True, False]
    assert windows.holds_foreground(corners).tolist() == [False, False, False, False, True]


def test_blank_positions_come_alike():
    mask = np.zeros((1, 12), np.uint8)
    mask[0, 5] = 1
    drawer = BlankWindows(context_of(mask, (1, 3))).drawer(asked_by="The test")
    corners = drawer(np.random.default_rng(0).random((7000, drawer.num_uniforms)))
    counts = np.bincount(corners.col, minlength=10)
    assert (counts > 0).tolist() == [col not in (3, 4, 5) for col in range(10)]
    assert np.abs(counts[counts > 0] - 1000).max() < 5 * np.sqrt(1000)


def test_no_blank_position_is_an_error():
    with pytest.raises(SplitError, match="The test needs windows of 1 x 2 pixels that hold only background"):
        BlankWindows(context_of(np.array([[0, 1, 0]], np.uint8), (1, 2))).drawer(asked_by="The test")
