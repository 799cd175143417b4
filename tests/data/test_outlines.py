"""Outlines are valid polygons of exactly the pixels of their region, with shapely and rasterio as witnesses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rareseg.data.outlines import outline
from rareseg.data.polygon_burn import covered_pixels
from rareseg.metrics.region_stream import RegionStream
from rareseg.types import Window


def outlines_of(mask: np.ndarray) -> list[list[list[list[tuple[int, int]]]]]:
    stream = RegionStream(mask.shape, keep_runs=True)
    stream.add(mask.astype(np.uint8))
    runs = stream.close().runs
    assert runs is not None
    return [outline(one, len(mask)) for one in runs]


def test_a_ring_with_a_pixel_in_its_hole() -> None:
    mask = np.ones((5, 5), bool)
    mask[1:4, 1:4] = False
    mask[2, 2] = True
    ring, dot = outlines_of(mask)
    assert ring == [
        [
            [(0, 0), (5, 0), (5, 5), (0, 5), (0, 0)],
            [(1, 1), (1, 4), (4, 4), (4, 1), (1, 1)],
        ]
    ]
    assert dot == [[[(2, 2), (3, 2), (3, 3), (2, 3), (2, 2)]]]


def test_pixels_that_touch_by_a_corner_are_apart() -> None:
    (region,) = outlines_of(np.eye(3, dtype=bool))
    assert [len(polygon) for polygon in region] == [1, 1, 1]


@given(
    seed=st.integers(0, 10_000),
    height=st.integers(1, 14),
    width=st.integers(1, 14),
    share=st.sampled_from([0.3, 0.55, 0.8]),
)
def test_polygons_cover_their_pixels(seed: int, height: int, width: int, share: float) -> None:
    mask = np.random.default_rng(seed).random((height, width)) < share
    covered = np.zeros(mask.shape, int)
    for polygons in outlines_of(mask):
        for polygon in polygons:
            rings = [np.array(ring, float)[:, ::-1] for ring in polygon]
            covered += covered_pixels(rings, Window(0, 0, height, width), all_touched=False)
    np.testing.assert_array_equal(covered, mask)


@given(seed=st.integers(0, 10_000), share=st.sampled_from([0.3, 0.55, 0.8]))
def test_polygons_are_valid(seed: int, share: float) -> None:
    geometry = pytest.importorskip("shapely.geometry", reason="the extra vector is not installed")
    mask = np.random.default_rng(seed).random((16, 16)) < share
    area = 0.0
    for polygons in outlines_of(mask):
        shape = geometry.MultiPolygon(
            [(ring[0], ring[1:]) for ring in polygons]  # rows as x: area and validity do not mind
        )
        assert shape.is_valid
        area += shape.area
    assert area == mask.sum()
