"""Regions of strips are those that scipy finds in the whole map."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from rareseg.metrics import region_stream
from rareseg.metrics.column_runs import ColumnRunCollector
from rareseg.metrics.region_stream import Regions, RegionStream


def make_map(seed: int, size: tuple[int, int], share: float) -> np.ndarray:
    rest = 1 - share
    chances = [rest * 0.95, share * 0.7, share * 0.3, rest * 0.05]
    return np.random.default_rng(seed).choice(np.array([0, 1, 2, 255], np.uint8), size, p=chances)


def of_strips(labels: np.ndarray, scores: np.ndarray | None, cuts: list[int]) -> Regions:
    stream = RegionStream(labels.shape, keep_runs=True)
    bounds = sorted({0, len(labels), *(cut for cut in cuts if cut < len(labels))})
    for first, end in itertools.pairwise(bounds):
        stream.add(labels[first:end], None if scores is None else scores[first:end])
    return stream.close()


def by_scipy(labels: np.ndarray, scores: np.ndarray) -> list[tuple[float, ...]]:
    rows = []
    for label in (1, 2):
        components, _number = ndimage.label(labels == label, structure=np.ones((3, 3)))
        for index, box in enumerate(ndimage.find_objects(components), start=1):
            own = components == index
            row, col = ndimage.center_of_mass(own)
            first = int(np.flatnonzero(own)[0])
            figures = (row, col, box[0].start, box[1].start, box[0].stop, box[1].stop)
            rows.append((first, label, own.sum(), *figures, scores[own].mean(), scores[own].max(), own))
    return sorted(rows, key=lambda row: row[0])


@given(
    seed=st.integers(0, 10_000),
    height=st.integers(1, 30),
    width=st.integers(1, 30),
    share=st.sampled_from([0.02, 0.3, 0.6, 0.95]),
    cuts=st.lists(st.integers(1, 29), max_size=6),
)
def test_measures_are_those_of_scipy(
    seed: int, height: int, width: int, share: float, cuts: list[int]
) -> None:
    labels = make_map(seed, (height, width), share)
    scores = np.random.default_rng(seed).integers(0, 65536, labels.shape).astype(np.uint16)
    found = of_strips(labels, scores, cuts)
    expected = by_scipy(labels, scores)
    assert found.runs is not None
    runs = list(found.runs)
    assert len(found) == len(found.runs) == len(runs) == len(expected)
    for place, row in enumerate(expected):
        area = found.area[place]
        measured = (
            found.label[place],
            area,
            found.sum_rows[place] / area,
            found.sum_cols[place] / area,
            found.top[place],
            found.left[place],
            found.bottom[place],
            found.right[place],
            found.sum_scores[place] / area,
            found.max_score[place],
        )
        np.testing.assert_allclose(measured, row[1:-1], rtol=1e-12)
        painted = np.zeros(height * width, bool)
        for start, length in zip(runs[place].starts, runs[place].lengths, strict=True):
            assert not painted[start : start + length].any()
            painted[start : start + length] = True
        np.testing.assert_array_equal(painted.reshape(width, height).T, row[-1])


def test_rows_that_are_too_many_are_looked_at_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = make_map(3, (40, 17), 0.5)
    whole = of_strips(labels, None, [])
    monkeypatch.setattr(region_stream, "_PIXELS", 60)
    parts = of_strips(labels, None, [21])
    np.testing.assert_array_equal(parts.area, whole.area)
    np.testing.assert_array_equal(parts.left, whole.left)


def test_a_map_without_regions() -> None:
    found = of_strips(np.full((4, 5), 255, np.uint8), None, [2])
    assert len(found) == 0 and found.runs is not None and not list(found.runs)


@given(seed=st.integers(0, 10_000), cuts=st.lists(st.integers(1, 19), max_size=4), width=st.integers(1, 12))
def test_runs_of_strips_are_those_of_the_whole(seed: int, cuts: list[int], width: int) -> None:
    labels = make_map(seed, (20, width), 0.5)
    collector = ColumnRunCollector(labels.shape)
    bounds = sorted({0, 20, *cuts})
    for first, end in itertools.pairwise(bounds):
        collector.add(labels[first:end])
    for index, runs in enumerate(collector.close(num_classes=3), start=1):
        flat = np.concatenate([[0], (labels == index).T.reshape(-1).astype(int), [0]])
        np.testing.assert_array_equal(runs.starts, np.flatnonzero(np.diff(flat) == 1))
        np.testing.assert_array_equal(runs.starts + runs.lengths, np.flatnonzero(np.diff(flat) == -1))
