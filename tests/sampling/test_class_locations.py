from __future__ import annotations

import threading
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rareseg.data.splits import TrainSplit
from rareseg.errors import SizeMismatchError, SplitError
from rareseg.sampling.class_locations import ClassLocations
from rareseg.types import IGNORE_INDEX, Region, Window

any_mask = arrays.arrays(
    np.uint8,
    arrays.array_shapes(min_dims=2, max_dims=2, max_side=9),
    elements=st.sampled_from([0, 0, 1, 2, IGNORE_INDEX]),
)


class FakeSource:
    class_table = SimpleNamespace(names=("background", "crack", "cavity", "absent"))

    def __init__(self, samples):
        self.samples = samples
        self.threads = set()

    def read_mask(self, sample, window=None):
        self.threads.add(threading.get_ident())
        return self.samples[sample][window.slices]


@given(st.lists(any_mask, min_size=1, max_size=4))
def test_every_class_pixel_is_reached_once_in_reading_order(masks):
    locations = ClassLocations.from_masks(masks, ["a", "b", "c"])
    for number in range(3):
        expected = [
            (region, *place)
            for region, mask in enumerate(masks)
            for place in np.argwhere(mask == number).tolist()
        ]
        u = (np.arange(len(expected)) + 0.5) / max(1, len(expected))
        if expected:
            assert (
                list(zip(*(values.tolist() for values in locations.pixel(number, u)), strict=True))
                == expected
            )
        assert locations.class_pixels[number] == len(expected)
        assert locations.class_regions[number] == len({item[0] for item in expected})
    assert locations.num_valid == sum((mask != IGNORE_INDEX).sum() for mask in masks)


@given(st.integers(1, 1 << 50))
def test_the_largest_uniform_number_stays_inside_the_class(pixels):
    widths = np.array([1 << 51])
    locations = ClassLocations(
        ("a",), widths, np.array([0], np.int32), np.array([0]), np.array([0, pixels]), np.array([0, 1])
    )
    assert locations.pixel(0, [1 - 2.0**-53, 0.0])[2].tolist() == [pixels - 1, 0]


def test_a_class_for_each_number(masks):
    locations = ClassLocations.from_masks(masks, ["background", "crack", "cavity", "absent"])
    classes = np.array([2, 1, 0, 2])
    region, row, col = locations.pixel(classes, [0.0, 0.3, 0.9, 0.999])
    assert [masks[r][y, x] for r, y, x in zip(region, row, col, strict=True)] == classes.tolist()


def test_a_background_region_is_a_single_run(masks):
    locations = ClassLocations.from_masks([masks[3]], ["background"])
    assert [values.tolist() for values in locations.runs(0)] == [[0], [0], [256]]


def test_build_reads_the_windows_of_the_training_regions(masks, regions):
    samples = {
        region.sample: np.pad(mask, ((3, 5), (4, 6)), constant_values=1)
        for region, mask in zip(regions, masks, strict=True)
    }
    calls = []
    source = FakeSource(samples)
    built = ClassLocations.build(
        source, TrainSplit(regions=regions), lambda done, total: calls.append((done, total))
    )
    direct = ClassLocations.from_masks(masks, source.class_table.names)
    for name in ("widths", "run_region", "run_start", "run_offset", "first_run"):
        assert getattr(built, name).tolist() == getattr(direct, name).tolist()
    # Counted by hand: 80 + 39 of crack, 3 + 5 of cavity, 50 ignored of 2000 + 600 + 42 + 256.
    assert built.class_pixels.tolist() == [2848 - 119 - 8, 119, 8, 0]
    assert built.class_regions.tolist() == [4, 2, 2, 0]
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_mask_of_another_size_is_refused():
    source = FakeSource({"a": np.zeros((4, 5), np.uint8)})
    with pytest.raises(SizeMismatchError, match="The mask of 'a' should be 6 x 5 pixels, but came as 4 x 5"):
        ClassLocations.build(source, TrainSplit(regions=(Region("a", Window(0, 0, 6, 5)),)))


def test_a_class_without_pixels_cannot_be_drawn(masks):
    locations = ClassLocations.from_masks(masks, ["background", "crack", "cavity", "absent"])
    with pytest.raises(
        SplitError, match="Class 'absent' should have training pixels to draw from, but has none"
    ):
        locations.pixel(np.array([1, 3]), [0.1, 0.2])
