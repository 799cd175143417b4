import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.ndimage import label

from rareseg.inspection.region_sizes import region_sizes

masks = arrays(
    np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.sampled_from([0, 0, 1, 2, 255])
)


@given(masks)
@settings(max_examples=300, deadline=None)
def test_regions_are_those_that_scipy_labels(mask: np.ndarray) -> None:
    for index, sizes in enumerate(region_sizes(mask, 3)):
        labels, number = label(mask == index, np.ones((3, 3)))
        expected = np.bincount(labels.ravel(), minlength=number + 1)[1:]
        assert sizes.tolist() == expected.tolist()


def test_corners_connect_but_the_right_edge_does_not_touch_the_left() -> None:
    mask = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]], np.uint8)
    assert [sizes.tolist() for sizes in region_sizes(mask, 2)] == [[6], [1, 2]]


def test_two_classes_that_touch_are_two_regions() -> None:
    mask = np.array([[1, 1, 2, 2]], np.uint8)
    assert [sizes.tolist() for sizes in region_sizes(mask, 3)] == [[], [2], [2]]


def test_ignored_pixels_are_in_no_region_and_part_what_they_cross() -> None:
    mask = np.array([[1, 255, 1]], np.uint8)
    assert [sizes.tolist() for sizes in region_sizes(mask, 2)] == [[], [1, 1]]


@pytest.mark.parametrize("shape", [(0, 4), (3, 0), (1, 1), (1, 7), (7, 1)])
def test_thin_and_empty_masks(shape: tuple[int, int]) -> None:
    sizes = region_sizes(np.zeros(shape, np.uint8), 2)
    assert sizes[0].sum() == shape[0] * shape[1]
    assert len(sizes[0]) == (1 if shape[0] * shape[1] else 0)
