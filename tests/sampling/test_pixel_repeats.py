from __future__ import annotations

import numpy as np
import pytest

from rareseg.sampling.class_locations import ClassLocations
from rareseg.sampling.integral_counts import IntegralCounts
from rareseg.sampling.pixel_repeats import pixel_repeats
from rareseg.sampling.window_grid import WindowGrid
from rareseg.types import Region, Window


@pytest.mark.parametrize("patch", [(4, 6), (20, 3)])
def test_repeats_equal_a_map_of_every_pixel(patch):
    rng = np.random.default_rng(3)
    masks = [rng.choice(np.array([0, 1, 2, 255], np.uint8), shape) for shape in ((12, 15), (9, 9), (5, 5))]
    regions = [Region(str(number), Window(0, 0, *mask.shape)) for number, mask in enumerate(masks)]
    region = rng.integers(0, 2, 12)
    row, col = rng.integers(-3, 10, (2, 12))
    weights = rng.random(12)
    maps = [np.zeros(mask.shape) for mask in masks]
    for number, top, left, weight in zip(region, row, col, weights, strict=True):
        maps[number][max(0, top) : max(0, top + patch[0]), max(0, left) : max(0, left + patch[1])] += weight
    found = pixel_repeats(
        IntegralCounts(ClassLocations.from_masks(masks, "abcd"), regions),
        WindowGrid(region, row, col, np.zeros((12, 4), np.int32)),
        weights,
        patch_size=patch,
    )
    for number in range(3):
        shown = np.concatenate([chance[mask == number] for chance, mask in zip(maps, masks, strict=True)])
        assert found.mean[number] == pytest.approx(shown.mean())
        assert found.most[number] == pytest.approx(shown.max())
        assert found.never[number] == pytest.approx((shown == 0).mean())
    assert np.isnan([found.mean[3], found.most[3], found.never[3]]).all()
