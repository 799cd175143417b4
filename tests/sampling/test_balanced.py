from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from rareseg.errors import OptionError, SplitError
from rareseg.sampling.class_locations import ClassLocations
from rareseg.sampling.plans import build_plan
from rareseg.sampling.uniforms import uniforms
from rareseg.types import Region, Window


def draw(plan, num=4000, seed=0):
    return plan.draw(uniforms(seed, np.arange(num), plan.NUM_UNIFORMS))


def test_the_class_is_in_its_share_and_in_no_other_patch(make_plan, covered):
    plan = make_plan({"name": "balanced", "shares": {"cavity": 0.3}})
    u = uniforms(1, np.arange(4000), plan.NUM_UNIFORMS)
    held = np.array([(window == 2).any() for window in covered(plan.draw(u))])
    assert (held == (u[:, 0] < 0.3)).all()
    assert plan.planned_patches == {"cavity": 0.3}
    assert plan.describe() == "balanced: 16 x 16 patches, 30% of patches hold cavity, 70% hold no cavity"


def test_with_several_classes_the_rest_holds_none_of_them(make_plan, covered):
    plan = make_plan({"name": "balanced", "shares": {"cavity": 0.2, "crack": 0.3}})
    u = uniforms(1, np.arange(3000), plan.NUM_UNIFORMS)
    windows = covered(plan.draw(u))
    for window, kind in zip(windows, np.searchsorted([0.2, 0.5], u[:, 0], side="right"), strict=True):
        assert ((window == 2).any(), (window == 1).any(), not np.isin(window, [1, 2]).any())[kind]


def test_a_one_vs_rest_member_takes_half_of_its_own_class(make_plan):
    plan = make_plan("balanced", positive_class=1)
    assert plan.planned_patches == {"crack": 0.5}
    with pytest.raises(OptionError, match="should name its classes under 'shares', but none came"):
        make_plan("balanced")


def test_windows_without_the_class_come_alike_within_a_region(make_plan, masks):
    """Chances of the 4 x 4 windows of the large region that are free of cavity, counted one by one."""
    plan = make_plan({"name": "balanced", "shares": {"cavity": 0.01}}, (4, 4))
    region, row, col = draw(plan, 60_000)
    free = {
        (y, x): 0 for y in range(37) for x in range(47) if not (masks[0][y : y + 4, x : x + 4] == 2).any()
    }
    for place in zip(row[region == 0].tolist(), col[region == 0].tolist(), strict=True):
        if place in free:
            free[place] += 1
    assert stats.chisquare(list(free.values())).pvalue > 1e-3


def test_the_only_window_without_the_class_is_found():
    """3 of 800 x 800 positions are free of class 1: chance finds them never, the refined grid does."""
    mask = np.ones((803, 803), np.uint8)
    mask[401:405, 500:506] = 0
    plan = build_plan(
        {"name": "balanced", "shares": {"b": 0.5}},
        regions=[Region("s", Window(0, 0, 803, 803))],
        locations=ClassLocations.from_masks([mask], "ab"),
        patch_size=(4, 4),
        class_names="ab",
    )
    u = uniforms(0, np.arange(400), plan.NUM_UNIFORMS)
    corners = plan.draw(u)
    free = u[:, 0] >= 0.5
    assert set(corners.row[free].tolist()) == {401}
    assert set(corners.col[free].tolist()) == {500, 501, 502}


def test_no_window_without_the_class_is_an_error(make_plan):
    with pytest.raises(SplitError, match="needs windows of 40 x 60 pixels without crack and cavity"):
        # Every region but the empty one holds one of the two; leave that one out.
        make_plan(
            {
                "name": "balanced",
                "shares": {"crack": 0.5, "cavity": 0.2},
                "leave_out": {"blank": True},
            },
            (40, 60),
        )
