from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rareseg.data.windows import clamp_window, pad_to_multiple, symmetric_indices, tile_grid
from rareseg.errors import OptionError
from rareseg.types import Window

side = st.integers(1, 70)


@given(side, side, st.integers(1, 40), st.integers(0, 30), st.integers(1, 9))
def test_cores_partition_the_image_and_reads_hold_their_halo(
    height: int, width: int, tile: int, halo: int, stride: int
) -> None:
    seen = np.zeros((height, width), int)
    padded_height, padded_width = pad_to_multiple(height, width, stride)
    for core, read in tile_grid(height, width, tile=tile, halo=halo, stride=stride):
        seen[core.slices] += 1
        assert core.area > 0
        assert core.row + core.height <= height
        assert core.col + core.width <= width
        for value in (read.row, read.col, read.height, read.width):
            assert value % stride == 0
        assert read.row <= max(0, core.row - halo)
        assert read.col <= max(0, core.col - halo)
        assert min(core.row + core.height + halo, padded_height) <= read.row + read.height <= padded_height
        assert min(core.col + core.width + halo, padded_width) <= read.col + read.width <= padded_width
    assert (seen == 1).all()


def test_a_grid_worked_out_by_hand() -> None:
    tiles = tile_grid(10, 5, tile=8, halo=3, stride=4)
    assert tiles == [
        (Window(0, 0, 8, 5), Window(0, 0, 12, 8)),
        (Window(8, 0, 2, 5), Window(4, 0, 8, 8)),
    ]


def test_sizes_that_make_no_grid_are_refused() -> None:
    with pytest.raises(OptionError, match="tile and stride should be at least 1"):
        tile_grid(10, 10, tile=0, halo=1, stride=1)
    with pytest.raises(OptionError, match="give other sizes"):
        tile_grid(10, 10, tile=4, halo=-1, stride=1)


@given(side, side, st.integers(1, 64))
def test_padding_is_the_least_that_divides(height: int, width: int, stride: int) -> None:
    for size, padded in zip((height, width), pad_to_multiple(height, width, stride), strict=True):
        assert padded % stride == 0
        assert 0 <= padded - size < stride


@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 20))
def test_mirroring_equals_numpys_symmetric_padding(before: int, after: int, size: int) -> None:
    expected = np.pad(np.arange(size), (before, after), mode="symmetric")
    assert symmetric_indices(-before, before + size + after, size).tolist() == expected.tolist()


@given(st.integers(-50, 50), st.integers(0, 40), st.integers(1, 12))
def test_mirrored_positions_depend_on_the_place_alone(start: int, length: int, size: int) -> None:
    whole = symmetric_indices(-50, 150, size)
    found = symmetric_indices(start, length, size)
    assert found.tolist() == whole[start + 50 : start + 50 + length].tolist()
    assert ((found >= 0) & (found < size)).all()


small = st.integers(-15, 15)


@given(small, small, st.integers(0, 20), st.integers(0, 20), st.integers(1, 12), st.integers(1, 12))
def test_clamping_keeps_just_the_pixels_inside(
    row: int, col: int, height: int, width: int, image_height: int, image_width: int
) -> None:
    window = Window(row, col, height, width)
    found = clamp_window(window, image_height, image_width)
    inside = {
        (r, c)
        for r in range(row, row + height)
        for c in range(col, col + width)
        if 0 <= r < image_height and 0 <= c < image_width
    }
    rows, cols = found.slices
    kept = {(r, c) for r in range(rows.start, rows.stop) for c in range(cols.start, cols.stop)}
    assert kept == inside
    assert 0 <= found.row <= image_height
    assert 0 <= found.col <= image_width
