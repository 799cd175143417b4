from __future__ import annotations

import numpy as np
import pytest

from rareseg.errors import SplitError, UnknownNameError
from rareseg.sampling.class_locations import ClassLocations
from rareseg.sampling.plans import build_plan
from rareseg.sampling.uniforms import uniforms

NAMES = ("background", "crack", "cavity", "absent")


def draw(plan, num=1000):
    return plan.draw(uniforms(3, np.arange(num), plan.NUM_UNIFORMS), np.arange(num))


@pytest.mark.parametrize(
    ("leave_out", "kept"),
    [
        ({"blank": True}, [0, 1, 2]),
        ({"samples": ["s0", "s2"]}, [1, 3]),
        ({"blank": True, "samples": ["s1"]}, [0, 2]),
    ],
)
@pytest.mark.parametrize("name", ["uniform", "rarity", "foreground"])
def test_draws_are_those_of_a_plan_that_never_had_the_regions(
    name, leave_out, kept, make_plan, masks, regions
):
    plan = make_plan({"name": name, "leave_out": leave_out})
    alone = build_plan(
        name,
        regions=[regions[number] for number in kept],
        locations=ClassLocations.from_masks([masks[number] for number in kept], NAMES),
        patch_size=(16, 16),
        class_names=NAMES,
    )
    corners, expected = draw(plan), draw(alone)
    assert corners.region_index.tolist() == np.array(kept)[expected.region_index].tolist()
    assert set(corners.region_index.tolist()) == set(kept)
    assert (corners.row == expected.row).all()
    assert (corners.col == expected.col).all()
    assert (plan.planned, plan.planned_patches) == (alone.planned, alone.planned_patches)
    assert plan.describe() == f"{alone.describe()}; {4 - len(kept)} of 4 regions left out"


def test_images_are_read_by_their_numbers_among_all(make_plan, images):
    asked = []

    def read(number):
        asked.append(number)
        return images[number]

    make_plan(
        {"name": "uniform", "leave_out": {"samples": ["s0"]}, "refuse": {"dark": {"below": 10}}},
        read_pixels=read,
    )
    assert asked == [1, 2, 3]


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        (
            {"name": "uniform", "leave_out": {"samples": ["s9"]}},
            UnknownNameError,
            "There is no training sample named 's9'",
        ),
        (
            {"name": "uniform", "leave_out": {"samples": ["s0", "s1", "s2"], "blank": True}},
            SplitError,
            "should leave a training region to draw from, but leaves none of 4",
        ),
        (
            {"name": "oversample", "shares": {"cavity": 1.0}, "leave_out": {"samples": ["s0", "s1"]}},
            SplitError,
            "needs training pixels of class 'cavity', but the training part has none",
        ),
    ],
)
def test_leaving_out_too_much_is_refused(settings, error, text, make_plan):
    with pytest.raises(error, match=text):
        make_plan(settings)


def test_leaving_only_ignored_pixels_is_refused(regions):
    masks = [np.full((40, 50), 255, np.uint8), np.zeros((10, 60), np.uint8)]
    with pytest.raises(SplitError, match="but all pixels left are ignored; name fewer samples"):
        build_plan(
            {"name": "uniform", "leave_out": {"samples": ["s1"]}},
            regions=regions[:2],
            locations=ClassLocations.from_masks(masks, NAMES),
            patch_size=(4, 4),
            class_names=NAMES,
        )
