from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rareseg.sampling.class_locations import ClassLocations
from rareseg.sampling.plans import build_plan
from rareseg.sampling.uniforms import uniforms
from rareseg.types import Region, Window


def placements(shape, patch):
    """All corners of one region, listed as the docstring words it."""
    axes = [
        range(size - side + 1) if size >= side else range(size - side, 1)
        for size, side in zip(shape, patch, strict=True)
    ]
    return list(itertools.product(*axes))


def test_all_positions_of_all_regions_are_equally_likely(make_plan, masks):
    plan = make_plan({"name": "uniform", "weight": "positions"})
    drawn = plan.draw(uniforms(11, np.arange(200_000), 3))
    cells = {(r, *place): 0 for r, mask in enumerate(masks) for place in placements(mask.shape, (16, 16))}
    assert len(cells) == 25 * 35 + 7 * 45 + 11 * 10 + 1
    for cell in zip(*(values.tolist() for values in drawn), strict=True):
        cells[cell] += 1
    assert stats.chisquare(list(cells.values())).pvalue > 1e-3


@pytest.mark.parametrize(
    ("weight", "chances"),
    [("pixels", [2000 / 2898, 600 / 2898, 42 / 2898, 256 / 2898]), ("regions", [0.25] * 4)],
)
def test_regions_by_area_or_alike(weight, chances, make_plan):
    plan = make_plan({"name": "uniform", "weight": weight})
    drawn = np.bincount(plan.draw(uniforms(5, np.arange(50_000), 3)).region_index, minlength=4)
    assert stats.chisquare(drawn, 50_000 * np.array(chances)).pvalue > 1e-3


@pytest.mark.parametrize("weight", ["positions", "pixels", "regions"])
@settings(max_examples=25, deadline=None)
@given(
    shapes=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=3),
    seed=st.integers(0, 99),
)
def test_planned_shares_equal_a_count_over_all_positions(weight, shapes, seed):
    rng = np.random.default_rng(seed)
    masks = [rng.choice(np.array([0, 0, 1, 2, 255], np.uint8), shape) for shape in shapes]
    masks[0][0, 0] = 0
    patch = (4, 5)
    seen = np.zeros(3)
    for mask in masks:
        corners = placements(mask.shape, patch)
        of_region = {"positions": len(corners), "pixels": mask.size, "regions": 1}[weight]
        for row, col in corners:
            part = mask[max(0, row) : row + patch[0], max(0, col) : col + patch[1]]
            seen += [of_region / len(corners) * (part == number).sum() for number in range(3)]
    plan = build_plan(
        {"name": "uniform", "weight": weight},
        regions=[Region(str(number), Window(0, 0, *shape)) for number, shape in enumerate(shapes)],
        locations=ClassLocations.from_masks(masks, "abc"),
        patch_size=patch,
        class_names="abc",
    )
    assert list(plan.planned.values()) == pytest.approx(seen / seen.sum(), abs=1e-12)
