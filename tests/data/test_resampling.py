"""Enlarged images are those of PyTorch, a window is a cut of the whole, and missing values stay where they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from data.source_cases import SOURCE_CASES
from rareseg.config.dataset import DatasetSettings
from rareseg.config.load import parse_settings
from rareseg.data.open_dataset import open_dataset
from rareseg.data.resampling import enlarge, majority, source_window
from rareseg.data.source import SOURCES
from rareseg.errors import ConfigError, DataError
from rareseg.types import Window


def whole(image: NDArray[Any], factor: int) -> NDArray[Any]:
    height, width = image.shape[1:]
    return enlarge(image, Window(0, 0, factor * height, factor * width), factor, height, width)


def by_torch(image: NDArray[Any], factor: int) -> NDArray[np.float32]:
    given = torch.from_numpy(image.astype(np.float32))[None]
    found = torch.nn.functional.interpolate(given, scale_factor=factor, mode="bicubic", align_corners=False)
    return np.asarray(found[0])


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("size", [(23, 31), (1, 1), (2, 40)])
def test_pixels_are_those_of_torch(factor: int, size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).normal(1000, 300, (3, *size)).astype(np.float32)
    np.testing.assert_allclose(whole(image, factor), by_torch(image, factor), rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_whole_numbers_are_rounded_and_stay_in_their_range(dtype: str) -> None:
    top = np.iinfo(dtype).max
    image = np.random.default_rng(1).choice(np.array([0, 7, top], dtype), (1, 30, 30))
    found = whole(image, 2)
    assert found.dtype == dtype
    exact = by_torch(image, 2)
    assert exact.min() < 0 and exact.max() > top
    assert np.abs(found - np.clip(exact, 0, top)).max() <= 0.6  # rounding, and float32 in another order


@given(
    factor=st.sampled_from([2, 3, 4]),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    corner=st.tuples(st.floats(0, 0.999), st.floats(0, 0.999)),
    share=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    missing=st.sampled_from([0.0, 0.2, 0.9, 1.0]),
    seed=st.integers(0, 9),
)
def test_a_window_is_a_cut_of_the_whole(
    factor: int,
    size: tuple[int, int],
    corner: tuple[float, float],
    share: tuple[float, float],
    missing: float,
    seed: int,
) -> None:
    generator = np.random.default_rng(seed)
    image = generator.normal(size=(2, *size)).astype(np.float32)
    image[generator.random(image.shape) < missing] = np.nan
    row, col = (int(part * factor * length) for part, length in zip(corner, size, strict=True))
    height, width = (
        1 + int(part * (factor * length - start - 1))
        for part, length, start in zip(share, size, (row, col), strict=True)
    )
    window = Window(row, col, height, width)
    box = source_window(window, factor, *size)
    part = enlarge(image[:, *box.slices], window, factor, *size)
    np.testing.assert_array_equal(part, whole(image, factor)[:, *window.slices])


def test_missing_values_neither_spread_nor_vanish() -> None:
    image = np.full((2, 20, 30), 7.0, np.float32)
    image[0, 5:8, 9:20], image[1, 0, 0], image[1, 10, 10] = np.nan, np.nan, np.inf
    found = whole(image, 3)
    np.testing.assert_array_equal(np.isnan(found), np.repeat(np.repeat(~np.isfinite(image), 3, 1), 3, 2))
    np.testing.assert_allclose(found[~np.isnan(found)], 7, rtol=1e-5)


def test_values_beside_a_gap_stay_near_those_around_them() -> None:
    generator = np.random.default_rng(3)
    image = generator.uniform(100, 200, (1, 40, 40)).astype(np.float32)
    image[generator.random(image.shape) < 0.5] = np.nan
    for factor in (2, 3, 4):
        found = whole(image, factor)
        assert np.nanmin(found) > -500 and np.nanmax(found) < 800


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_every_format_can_be_enlarged(name: str, tmp_path: Path) -> None:
    case = SOURCE_CASES[name](tmp_path)
    settings = {"name": "case", "root": str(tmp_path), **case.settings, "resample": {"factor": 2}}
    source = open_dataset(parse_settings(DatasetSettings, settings, where="test"))
    assert source.sample_ids == tuple(sorted(case.images))
    for sample, image in case.images.items():
        expected = whole(image, 2)
        mask = np.repeat(np.repeat(case.masks[sample], 2, axis=0), 2, axis=1)
        assert source.size(sample) == mask.shape
        np.testing.assert_array_equal(source.read_image(sample), expected)
        np.testing.assert_array_equal(source.read_mask(sample), mask)
        assert (source.read_image(sample).dtype, source.read_mask(sample).dtype) == (source.dtype, np.uint8)
        for window in (Window(3, 1, 7, 11), Window(0, 0, 1, 1), Window(mask.shape[0] - 3, 2, 3, 5)):
            np.testing.assert_array_equal(source.read_image(sample, window), expected[:, *window.slices])
            np.testing.assert_array_equal(source.read_mask(sample, window), mask[window.slices])
        with pytest.raises(DataError, match="should lie inside the sample"):
            source.read_image(sample, Window(0, 0, mask.shape[0] + 1, 1))
        with pytest.raises(DataError, match="should lie inside the sample"):
            source.read_mask(sample, Window(-1, 0, 1, 1))


def test_the_edge_of_a_region_of_interest_is_the_edge(
    make_folder: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "boxes.csv").write_text("sample_id,row,col,height,width\na,4,5,8,6\n")
    settings = make_folder({"a": np.zeros((20, 20))}, roi="boxes.csv")
    part = open_dataset(settings).read_image("a")
    enlarged = settings.model_copy(update={"resample": parse(2)})
    np.testing.assert_array_equal(open_dataset(enlarged).read_image("a"), whole(part, 2))
    assert open_dataset(settings).signature(["a"]) != open_dataset(enlarged).signature(["a"])


def parse(factor: Any) -> Any:
    classes = [{"name": "a"}, {"name": "b"}]
    settings = {"name": "case", "classes": classes, "resample": {"factor": factor}}
    return parse_settings(DatasetSettings, settings, where="test").resample


@pytest.mark.parametrize("factor", [1, 5, 2.5, "two"])
def test_factors_that_are_not_offered(factor: Any) -> None:
    with pytest.raises(ConfigError, match=r"resample\.factor: Input should be 2, 3 or 4"):
        parse(factor)


def test_a_block_becomes_its_most_frequent_class_and_ties_the_later_one() -> None:
    labels = np.array(
        [[0, 0, 0, 1, 2, 1], [0, 1, 0, 1, 2, 1], [3, 1, 0, 0, 0, 0], [2, 0, 0, 0, 0, 1]], np.uint8
    )
    np.testing.assert_array_equal(majority(labels, 2, 4), [[0, 1, 2], [3, 0, 0]])
    generator = np.random.default_rng(0)
    small = generator.integers(0, 5, (7, 9), np.uint8)
    for factor in (2, 3, 4):
        np.testing.assert_array_equal(
            majority(np.repeat(np.repeat(small, factor, 0), factor, 1), factor, 5), small
        )
