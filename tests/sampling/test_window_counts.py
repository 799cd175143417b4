from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rareseg.sampling.class_locations import ClassLocations
from rareseg.sampling.plan import Corners, PlanContext
from rareseg.sampling.window_counts import WindowCounts, covered_pixels
from rareseg.types import IGNORE_INDEX, Region, Window

any_mask = arrays.arrays(
    np.uint8,
    arrays.array_shapes(min_dims=2, max_dims=2, max_side=9),
    elements=st.sampled_from([0, 0, 1, 2, IGNORE_INDEX]),
)


@given(
    masks=st.lists(any_mask, min_size=1, max_size=3),
    patch=st.tuples(st.integers(1, 11), st.integers(1, 11)),
    classes=st.sampled_from([[0], [1], [2], [1, 2], [0, 1, 2]]),
)
def test_every_window_counts_as_its_cut_from_the_mask_does(masks, patch, classes):
    context = PlanContext(
        [Region(str(number), Window(5, 6, *mask.shape)) for number, mask in enumerate(masks)],
        ClassLocations.from_masks(masks, "abc"),
        patch,
        ("a", "b", "c"),
    )
    corners, cuts = [], []
    for number, mask in enumerate(masks):
        for row in range(min(0, mask.shape[0] - patch[0]), max(0, mask.shape[0] - patch[0]) + 1):
            for col in range(min(0, mask.shape[1] - patch[1]), max(0, mask.shape[1] - patch[1]) + 1):
                corners.append((number, row, col))
                cuts.append(mask[max(0, row) : row + patch[0], max(0, col) : col + patch[1]])
    windows = Corners(*np.array(corners, np.int64).T)
    counts = WindowCounts.of_classes(classes, context).count(windows)
    assert counts.tolist() == [np.isin(cut, classes).sum() for cut in cuts]
    ignored = WindowCounts.of_ignored(context).count(windows)
    assert ignored.tolist() == [(cut == IGNORE_INDEX).sum() for cut in cuts]
    assert covered_pixels(windows, context).tolist() == [cut.size for cut in cuts]
