from __future__ import annotations

import numpy as np
import pytest

from rareseg.sampling.class_locations import ClassLocations
from rareseg.sampling.plan import PlanContext
from rareseg.sampling.window_pool import WindowPool
from rareseg.types import Region, Window


@pytest.fixture
def context():
    shapes = [(20, 33), (6, 9)]
    masks = [np.zeros(shape, np.uint8) for shape in shapes]
    regions = [Region(str(number), Window(1, 2, *shape)) for number, shape in enumerate(shapes)]
    return PlanContext(regions, ClassLocations.from_masks(masks, "a"), (8, 16), ("a",))


def windows(pool):
    return list(zip(*(values.tolist() for values in pool.corners), strict=True))


def test_the_first_grid_has_a_window_every_quarter_and_the_last_position(context):
    pool = WindowPool(context, lambda corners: np.ones(len(corners.row), bool))
    large = [(0, row, col) for row in (0, 2, 4, 6, 8, 10, 12) for col in (0, 4, 8, 12, 16, 17)]
    # The small region lies within the patch: 2 rows and 7 columns to spare.
    small = [(1, row, col) for row in (-2, 0) for col in (-7, -3, 0)]
    assert windows(pool) == large + small


def test_the_grid_is_refined_until_a_window_will_do(context):
    def odd(corners):
        return (corners.region_index == 0) & (corners.row == 5) & (corners.col % 2 == 1) & (corners.col < 17)

    assert windows(WindowPool(context, odd)) == [(0, 5, col) for col in range(1, 17, 2)]


def test_no_window_of_any_position_gives_an_empty_pool(context):
    seen = set()

    def never(corners):
        seen.update(zip(*(values.tolist() for values in corners), strict=True))
        return np.zeros(len(corners.row), bool)

    assert len(WindowPool(context, never)) == 0
    assert len(seen) == 13 * 18 + 3 * 8


def test_all_of_the_pool_are_drawn_alike(context):
    pool = WindowPool(context, lambda corners: corners.row == 0)
    u = (np.arange(9 * 100) + 0.5)[:, None] / 900
    drawn = np.stack(pool(u)).T.tolist()
    assert len(pool) == 9
    assert [drawn.count(list(window)) for window in windows(pool)] == [100] * 9
