"""What every dataset format promises, tested over the registry."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.source_cases import SOURCE_CASES, SourceCase
from rareseg.config.dataset import DatasetSettings
from rareseg.config.load import parse_settings
from rareseg.data.open_dataset import open_dataset
from rareseg.data.source import SOURCES, Source
from rareseg.errors import DataError, OptionError, UnknownNameError
from rareseg.types import Window


@pytest.fixture(params=sorted(SOURCES))
def case(request: pytest.FixtureRequest, tmp_path: Path) -> SourceCase:
    return SOURCE_CASES[request.param](tmp_path)


@pytest.fixture
def reopen(case: SourceCase, tmp_path: Path) -> Callable[..., Source]:
    def open_with(**changes: Any) -> Source:
        value = {"name": "case", "root": str(tmp_path), **case.settings, **changes}
        return open_dataset(parse_settings(DatasetSettings, value, where="test"))

    return open_with


@pytest.fixture
def source(reopen: Callable[..., Source]) -> Source:
    return reopen()


def windows(height: int, width: int) -> list[Window]:
    return [
        Window(0, 0, height, width),
        Window(height - 1, width - 1, 1, 1),
        Window(height // 3, width // 4, height // 2, width // 2),
        Window(0, 1, 3, width - 1),
    ]


def test_ids_sizes_and_number_type(source: Source, case: SourceCase) -> None:
    assert source.sample_ids == tuple(sorted(case.images))
    first = next(iter(case.images.values()))
    assert (source.num_bands, source.dtype) == (first.shape[0], first.dtype)
    for name, image in case.images.items():
        assert source.size(name) == image.shape[1:]


def test_whole_images_and_masks_are_what_was_written(source: Source, case: SourceCase) -> None:
    for name in source.sample_ids:
        image, mask = source.read_image(name), source.read_mask(name)
        np.testing.assert_array_equal(image, case.images[name])
        np.testing.assert_array_equal(mask, case.masks[name])
        assert (image.dtype, mask.dtype) == (source.dtype, np.uint8)
        assert source.has_mask(name)
        assert source.image_path(name).exists() and source.mask_path(name).exists()


def test_layers_are_the_classes_of_the_mask_where_nothing_overlaps(source: Source, case: SourceCase) -> None:
    assert source.overlaps == {}
    for name in source.sample_ids:
        expected = np.stack([case.masks[name] == index for index in range(1, source.class_table.num_classes)])
        np.testing.assert_array_equal(source.read_layers(name), expected)
        window = Window(1, 2, 5, 6)
        layers = source.read_layers(name, window)
        np.testing.assert_array_equal(layers, expected[:, *window.slices])
        assert layers.dtype == np.bool_ and layers.flags.c_contiguous


def test_a_window_is_a_cut_of_the_whole_and_a_copy(source: Source, case: SourceCase) -> None:
    for name in source.sample_ids:
        for window in windows(*source.size(name)):
            for _ in range(2):  # the second reading may come from what the first one kept
                image, mask = source.read_image(name, window), source.read_mask(name, window)
                np.testing.assert_array_equal(image, case.images[name][:, *window.slices])
                np.testing.assert_array_equal(mask, case.masks[name][window.slices])
                assert image.flags.c_contiguous and mask.flags.c_contiguous
                mask[...] = 7
                image[...] = 0


def test_a_window_outside_is_refused(source: Source) -> None:
    name = source.sample_ids[0]
    height, width = source.size(name)
    for window in (Window(-1, 0, 2, 2), Window(0, width - 1, 2, 2), Window(height, 0, 1, 1)):
        with pytest.raises(DataError, match="should lie inside the sample"):
            source.read_image(name, window)
        with pytest.raises(DataError, match="should lie inside the sample"):
            source.read_mask(name, window)


def test_bands_are_chosen_and_put_in_order(reopen: Callable[..., Source], case: SourceCase) -> None:
    name, image = next(iter(case.images.items()))
    bands = list(range(image.shape[0]))[::-1]
    source = reopen(bands=bands)
    assert source.num_bands == len(bands)
    np.testing.assert_array_equal(source.read_image(name), image[bands])
    window = Window(1, 2, 5, 6)
    np.testing.assert_array_equal(source.read_image(name, window), image[bands][:, *window.slices])
    with pytest.raises(DataError, match="`bands`"):
        reopen(bands=[99]).read_image(name)


def test_a_region_of_interest_is_all_there_is(
    reopen: Callable[..., Source], case: SourceCase, tmp_path: Path
) -> None:
    name = sorted(case.images)[0]
    (tmp_path / "boxes.csv").write_text(f"sample_id,row,col,height,width\n{name},2,3,9,6\n")
    source = reopen(roi="boxes.csv")
    assert source.size(name) == (9, 6)
    np.testing.assert_array_equal(source.read_image(name), case.images[name][:, 2:11, 3:9])
    np.testing.assert_array_equal(source.read_mask(name, Window(1, 1, 4, 5)), case.masks[name][3:7, 4:9])


def test_excluded_samples_are_gone_and_named(reopen: Callable[..., Source], case: SourceCase) -> None:
    name = sorted(case.images)[0]
    source = reopen(exclude=[name])
    assert name not in source.sample_ids
    assert source.excluded == (name,)
    with pytest.raises(OptionError, match="`exclude` names the sample 'nowhere', but there is none"):
        reopen(exclude=["nowhere"])


def test_groups_by_pattern_and_each_its_own_without(reopen: Callable[..., Source], case: SourceCase) -> None:
    source = reopen()
    assert [source.group(name) for name in source.sample_ids] == list(source.sample_ids)
    grouped = reopen(group={"pattern": "(.)$"})
    assert [grouped.group(name) for name in grouped.sample_ids] == [name[-1] for name in source.sample_ids]


def test_threads_and_pickled_copies_read_the_same(source: Source, case: SourceCase) -> None:
    copy = pickle.loads(pickle.dumps(source))
    with ThreadPoolExecutor(4) as threads:
        for name, image, mask in zip(
            source.sample_ids,
            threads.map(copy.read_image, source.sample_ids),
            threads.map(copy.read_mask, source.sample_ids),
            strict=True,
        ):
            np.testing.assert_array_equal(image, case.images[name])
            np.testing.assert_array_equal(mask, case.masks[name])


def test_signature_changes_with_the_data(source: Source, case: SourceCase) -> None:
    before = source.signature(source.sample_ids)
    assert source.signature(source.sample_ids) == before
    case.broken()
    assert source.signature(source.sample_ids) != before


def test_a_damaged_file_is_our_own_error(reopen: Callable[..., Source], case: SourceCase) -> None:
    name = case.broken()
    with pytest.raises(DataError):
        source = reopen()
        source.read_image(name)
        source.read_mask(name)


def test_unknown_labels_are_refused(source: Source) -> None:
    with pytest.raises(UnknownNameError, match="nobody"):
        source.read_mask(source.sample_ids[0], labels="nobody")
