"""Compressed counts are read back by our reader, and are those of pycocotools where it is installed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rareseg.data.coco_counts import compress_runs
from rareseg.data.coco_runs import CocoRuns
from rareseg.metrics.column_runs import ColumnRunCollector
from rareseg.types import Window


def masks() -> st.SearchStrategy[np.ndarray]:
    return st.builds(
        lambda seed, height, width, share: np.random.default_rng(seed).random((height, width)) < share,
        st.integers(0, 10_000),
        st.integers(1, 60),
        st.integers(1, 60),
        st.sampled_from([0.0, 0.01, 0.5, 0.99, 1.0]),
    )


def compressed(mask: np.ndarray) -> str:
    collector = ColumnRunCollector(mask.shape)
    collector.add(mask.astype(np.uint8))
    return compress_runs(collector.close(num_classes=2)[0], mask.size)


@given(mask=masks())
def test_counts_read_back(mask: np.ndarray) -> None:
    runs = CocoRuns(compressed(mask), list(mask.shape), mask.shape)
    np.testing.assert_array_equal(runs.paint(Window(0, 0, *mask.shape)), mask)


@given(mask=masks())
def test_counts_are_those_of_the_tools_of_coco(mask: np.ndarray) -> None:
    tools = pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed")
    expected = tools.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
    assert compressed(mask) == expected
