"""Polygons become the pixels that GDAL gives them, in any window the same."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio.features
from hypothesis import given
from hypothesis import strategies as st
from rasterio.transform import IDENTITY

from rareseg.data.polygon_burn import Points, covered_pixels
from rareseg.types import Window

HEIGHT, WIDTH = 30, 40
WHOLE = Window(0, 0, HEIGHT, WIDTH)


def star(seed: int, *, low: float = -10, high: float = 50) -> list[Points]:
    """A star-shaped polygon with a hole, partly outside the image."""
    generator = np.random.default_rng(seed)
    centre, n = generator.uniform(low, high, 2) * (1, HEIGHT / WIDTH), int(generator.integers(3, 12))
    angles = np.sort(generator.uniform(0, 2 * np.pi, n))
    radius = generator.uniform(3, 25, n)
    outer = centre + radius[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return [outer, centre + (outer - centre)[::-1] * 0.4]


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("all_touched", [False, True])
def test_pixels_are_those_of_gdal(seed: int, all_touched: bool) -> None:
    rings = star(seed)
    closed = [np.concatenate([ring, ring[:1]]).tolist() for ring in rings]
    expected = rasterio.features.rasterize(
        [{"type": "Polygon", "coordinates": closed}],
        out_shape=(HEIGHT, WIDTH),
        transform=IDENTITY,
        all_touched=all_touched,
    )
    found = covered_pixels(rings, WHOLE, all_touched=all_touched)
    np.testing.assert_array_equal(found, expected.astype(bool))


coordinates = st.one_of(st.integers(-20, 60).map(lambda n: n / 2), st.floats(-1e9, 1e9))


@given(
    ring=st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=9),
    row=st.integers(0, HEIGHT - 1),
    col=st.integers(0, WIDTH - 1),
    size=st.tuples(st.integers(1, HEIGHT), st.integers(1, WIDTH)),
    all_touched=st.booleans(),
)
def test_a_window_is_a_cut_of_the_whole(
    ring: list[tuple[float, float]], row: int, col: int, size: tuple[int, int], all_touched: bool
) -> None:
    """Also where borders run through centres of pixels, or far outside."""
    window = Window(row, col, min(size[0], HEIGHT - row), min(size[1], WIDTH - col))
    rings = [np.array(ring, np.float64)]
    whole = covered_pixels(rings, WHOLE, all_touched=all_touched)
    part = covered_pixels(rings, window, all_touched=all_touched)
    np.testing.assert_array_equal(part, whole[window.slices])


def test_centres_on_the_border_belong_to_the_polygon_to_the_right_and_below() -> None:
    square = np.array([[0.5, 0.5], [2.5, 0.5], [2.5, 2.5], [0.5, 2.5]])
    expected = np.zeros((4, 4), bool)
    expected[0:2, 0:2] = True
    np.testing.assert_array_equal(covered_pixels([square], Window(0, 0, 4, 4)), expected)


def test_neighbours_share_no_pixel_and_leave_none() -> None:
    """A square cut along a line through many centres, each half with its corners in another order."""
    upper = np.array([[0, 0], [9, 0], [9, 3], [0, 9.0]])
    lower = np.array([[9, 9], [9, 3], [0, 9.0]])
    window = Window(0, 0, 9, 9)
    first, second = covered_pixels([upper], window), covered_pixels([lower[::-1]], window)
    assert (first ^ second).all() and not (first & second).any()


def test_a_hole_counts_in_either_direction_and_unclosed_rings_are_closed() -> None:
    outer, hole = np.array([[0, 0], [5, 0], [5, 5], [0, 5.0]]), np.array([[1, 1], [3, 1], [3, 3], [1, 3.0]])
    for inner in (hole, hole[::-1], np.concatenate([hole, hole[:1]])):
        assert covered_pixels([outer, inner], Window(0, 0, 5, 5)).sum() == 25 - 4


def test_a_thin_polygon_between_centres_is_seen_by_all_touched_alone() -> None:
    thin = np.array([[0.1, 1.6], [3.9, 1.6], [3.9, 1.8], [0.1, 1.8]])
    window = Window(0, 0, 4, 4)
    assert covered_pixels([thin], window).sum() == 0
    np.testing.assert_array_equal(
        np.argwhere(covered_pixels([thin], window, all_touched=True))[:, 0], [1] * 4
    )
