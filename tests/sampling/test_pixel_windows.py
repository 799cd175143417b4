from __future__ import annotations

import numpy as np
import pytest

from rareseg.sampling.class_locations import ClassLocations
from rareseg.sampling.pixel_windows import PixelWindows
from rareseg.sampling.plan import PlanContext


@pytest.mark.parametrize("patch", [(16, 16), (5, 60), (1, 1)])
def test_windows_hold_their_pixel_and_are_centred_on_it_where_they_fit(patch, masks, regions):
    names = ("background", "crack", "cavity")
    locations = ClassLocations.from_masks(masks, names)
    windows = PixelWindows(PlanContext(regions, locations, patch, names))
    rng = np.random.default_rng(0)
    classes, u = rng.integers(0, 3, 2000), rng.random((2000, 3))
    region, *pixel = locations.pixel(classes, u[:, 0])
    sizes = np.array([mask.shape for mask in masks])[region]
    for centred, corners in (
        (False, windows.anywhere(classes, u)),
        (True, windows.centred(classes, u[:, 0])),
    ):
        assert (corners.region_index == region).all()
        for axis, corner in enumerate((corners.row, corners.col)):
            place = pixel[axis] - corner
            assert ((place >= 0) & (place < patch[axis])).all()
            if centred:
                wanted = pixel[axis] - patch[axis] // 2
                fits = (wanted >= 0) & (wanted + patch[axis] <= sizes[:, axis])
                assert (place[fits] == patch[axis] // 2).all()
                pushed = (
                    (corner == 0) | (corner == sizes[:, axis] - patch[axis]) | (sizes[:, axis] < patch[axis])
                )
                assert pushed[~fits].all()
