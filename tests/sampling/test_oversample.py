from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from rareseg.sampling.uniforms import uniforms

PATCH = (16, 16)


def held(masks, corners, class_index, patch=PATCH):
    """Whether each window holds the class, cut from the mask itself."""
    return np.array(
        [
            (masks[r][max(0, y) : y + patch[0], max(0, x) : x + patch[1]] == class_index).any()
            for r, y, x in zip(*corners, strict=True)
        ]
    )


@pytest.mark.parametrize("patch", [PATCH, (3, 64), (1, 1)])
def test_every_patch_holds_the_class_where_its_share_is_one(patch, make_plan, masks):
    plan = make_plan({"name": "oversample", "shares": {"cavity": 1.0}}, patch)
    corners = plan.draw(uniforms(0, np.arange(4000), 4))
    assert held(masks, corners, 2, patch).all()
    assert set(corners.region_index.tolist()) == {0, 1}


def test_shares_that_sum_to_one_with_rounding_leave_nothing_uniform(make_plan, masks):
    plan = make_plan({"name": "oversample", "shares": {"background": 0.1, "crack": 0.7, "cavity": 0.2}})
    corners = plan.draw(np.array([[1 - 2.0**-53, 0.5, 0.5, 0.5]]))
    assert held(masks, corners, 2).all()
    assert "uniform" not in plan.describe()


def test_windows_come_as_often_as_pixels_and_places_lead_to_them(make_plan, masks):
    """All pixels of the class with all places inside the patch, counted one by one."""
    plan = make_plan({"name": "oversample", "shares": {"cavity": 1.0}})
    expected: dict[tuple[int, int, int], int] = {}
    for region, mask in enumerate(masks):
        first = [min(0, size - 16) for size in mask.shape]
        last = [max(0, size - 16) for size in mask.shape]
        for pixel in np.argwhere(mask == 2).tolist():
            for place in np.ndindex(*PATCH):
                corner = [min(max(p - q, a), b) for p, q, a, b in zip(pixel, place, first, last, strict=True)]
                expected[(region, *corner)] = expected.get((region, *corner), 0) + 1
    drawn = dict.fromkeys(expected, 0)
    num = 100_000
    for cell in zip(*(values.tolist() for values in plan.draw(uniforms(2, np.arange(num), 4))), strict=True):
        drawn[cell] += 1
    chances = np.array(list(expected.values())) / sum(expected.values())
    assert stats.chisquare(list(drawn.values()), num * chances).pvalue > 1e-3


def test_the_rest_is_the_uniform_plan(make_plan):
    plan = make_plan({"name": "oversample", "shares": {"crack": 0.25, "cavity": 0.25}, "weight": "pixels"})
    u = uniforms(3, np.arange(2000), 4)
    rest = u[:, 0] >= 0.5
    uniform = make_plan({"name": "uniform", "weight": "pixels"}).draw(u[rest][:, 1:4])
    assert all((a[rest] == b).all() for a, b in zip(plan.draw(u), uniform, strict=True))
    assert plan.planned_patches == {"crack": 0.25, "cavity": 0.25}
    assert plan.planned == {}
    assert plan.describe() == (
        "oversample: 16 x 16 patches, 25% of patches hold crack, 25% of patches hold cavity, 50% are uniform"
    )


def test_each_class_gets_its_share_in_the_order_given(make_plan, masks):
    plan = make_plan({"name": "oversample", "shares": {"cavity": 0.25, "crack": 0.75}})
    u = uniforms(4, np.arange(2000), 4)
    corners = np.stack(plan.draw(u))
    assert held(masks, corners[:, u[:, 0] < 0.25], 2).all()
    assert held(masks, corners[:, u[:, 0] >= 0.25], 1).all()
