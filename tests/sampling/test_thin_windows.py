from __future__ import annotations

import numpy as np
import pytest

from rareseg.sampling.thin_windows import thin_windows
from rareseg.sampling.window_grid import WindowGrid


@pytest.fixture
def grid():
    """Windows every two pixels of two regions."""
    region, row, col = (axis.ravel() for axis in np.mgrid[0:2, 0:24:2, 0:24:2])
    return WindowGrid(region, row, col, np.ones((len(region), 1), np.int32))


@pytest.mark.parametrize("overlap", [0.0, 0.3, 0.75])
def test_chosen_windows_overlap_no_more_and_no_other_fits(grid, overlap):
    rank = np.random.default_rng(0).random(len(grid))
    kept = thin_windows(
        grid, grid.region, rank, patch_size=(8, 6), overlap=overlap, most_per_image=None
    ).tolist()

    def shared(a, b):
        if grid.region[a] != grid.region[b]:
            return 0
        rows = max(0, 8 - abs(grid.row[a] - grid.row[b]))
        return rows * max(0, 6 - abs(grid.col[a] - grid.col[b]))

    limit = overlap * 48
    assert all(shared(a, b) <= limit for a in kept for b in kept if a != b)
    left = set(range(len(grid))) - set(kept)
    assert all(any(shared(a, b) > limit and rank[b] > rank[a] for b in kept) for a in left)


def test_an_image_of_two_regions_has_one_limit(grid):
    rank = np.arange(len(grid), dtype=float)
    image = np.zeros(len(grid), np.int64)
    kept = thin_windows(grid, image, rank, patch_size=(8, 8), overlap=1.0, most_per_image=5)
    assert kept.tolist() == list(range(len(grid) - 5, len(grid)))
    kept = thin_windows(grid, grid.region, rank, patch_size=(8, 8), overlap=0.0, most_per_image=2)
    assert np.bincount(grid.region[kept]).tolist() == [2, 2]
