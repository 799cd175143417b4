"""Polygons and run lengths are the masks that pycocotools makes of them, pixel for pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rareseg.data.coco_polygons import CocoPolygons
from rareseg.data.coco_runs import CocoRuns
from rareseg.types import Window

# A busy machine draws examples slowly.
UNCHECKED = [HealthCheck.too_slow]

# The newest pycocotools calls numpy in a way of which numpy 2 warns.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))


@pytest.fixture(scope="module")
def tools() -> Any:
    return pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed")


@st.composite
def parts(draw: st.DrawFn) -> list[list[float]]:
    """Polygons that cross themselves, leave the image and repeat points, on and off the grid."""
    reach = draw(st.sampled_from([3, 40, 400]))
    numbers = st.one_of(
        st.integers(-reach, reach),
        st.integers(-10 * reach, 10 * reach).map(lambda value: value / 10),
        st.floats(-reach, reach),
    )
    lengths = draw(st.lists(st.integers(3, 9), min_size=1, max_size=3))
    return [draw(st.lists(numbers, min_size=2 * n, max_size=2 * n)) for n in lengths]


def check(own: CocoPolygons | CocoRuns, expected: np.ndarray[Any, Any], data: st.DataObject) -> None:
    """Whole, in any window, and with nothing outside its box."""
    height, width = expected.shape
    np.testing.assert_array_equal(own.paint(Window(0, 0, height, width)), expected)
    row, col = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    window = Window(row, col, data.draw(st.integers(1, height - row)), data.draw(st.integers(1, width - col)))
    np.testing.assert_array_equal(own.paint(window), expected[window.slices])
    outside = expected.copy()
    outside[own.box.slices] = 0
    assert not outside.any()


@settings(max_examples=200, deadline=None, suppress_health_check=UNCHECKED)
@given(polygons=parts(), size=SIZES, data=st.data())
def test_polygons(
    tools: Any, polygons: list[list[float]], size: tuple[int, int], data: st.DataObject
) -> None:
    runs = tools.frPyObjects([[float(value) for value in part] for part in polygons], *size)
    check(CocoPolygons(polygons, size), tools.decode(tools.merge(runs)).astype(bool), data)


def test_large_polygons(tools: Any) -> None:
    generator = np.random.default_rng(0)
    for number in (3, 50, 1000):
        points = [generator.uniform(-100, 2100, 2 * number).tolist()]
        expected = tools.decode(tools.merge(tools.frPyObjects(points, 1500, 2000))).astype(bool)
        found = CocoPolygons(points, (1500, 2000)).paint(Window(0, 0, 1500, 2000))
        np.testing.assert_array_equal(found, expected)


@settings(max_examples=100, deadline=None, suppress_health_check=UNCHECKED)
@given(
    size=SIZES, share=st.sampled_from([0.0, 0.02, 0.5, 0.98, 1.0]), seed=st.integers(0, 999), data=st.data()
)
def test_run_lengths(tools: Any, size: tuple[int, int], share: float, seed: int, data: st.DataObject) -> None:
    mask = np.random.default_rng(seed).random(size) < share
    text = tools.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
    changes = np.flatnonzero(np.diff(mask.T.ravel(), prepend=False))
    plain = np.diff(np.concatenate([[0], changes, [mask.size]])).tolist()
    for counts in (text, plain):
        own = CocoRuns(counts, list(size), size)
        check(own, mask, data)
        assert own.area == mask.sum()


def test_long_runs(tools: Any) -> None:
    size = (3000, 5000)
    mask = np.zeros(size, np.uint8, order="F")
    mask[:, 2000:4000] = 1
    mask[1:5, 1:3] = 1
    text = tools.encode(mask)["counts"].decode()
    np.testing.assert_array_equal(CocoRuns(text, list(size), size).paint(Window(0, 0, *size)), mask == 1)


def test_a_hand_drawn_triangle_and_a_part_within_a_part() -> None:
    """A part inside another adds nothing: parts are joined by or, so COCO polygons know no holes."""
    triangle = CocoPolygons([[0, 0, 4, 0, 0, 4]], (4, 4)).paint(Window(0, 0, 4, 4))
    assert triangle.astype(int).tolist() == [[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    outer, inner = [0, 0, 5, 0, 5, 5, 0, 5], [1, 1, 3, 1, 3, 3, 1, 3]
    assert CocoPolygons([outer, inner], (5, 5)).paint(Window(0, 0, 5, 5)).all()
    # A hole is drawn by walking there and back along one line.
    hole = [0, 0, 5, 0, 5, 5, 0, 5, 0, 0, 1, 1, 1, 3, 3, 3, 3, 1, 1, 1]
    found = CocoPolygons([hole], (5, 5)).paint(Window(0, 0, 5, 5))
    expected = np.ones((5, 5), bool)
    expected[1:3, 1:3] = False
    np.testing.assert_array_equal(found, expected)
