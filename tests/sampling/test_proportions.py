"""The plans ``proportions`` and ``equal_samples``."""

from __future__ import annotations

import numpy as np
import pytest

from rareseg.errors import ConfigError, OptionError, SplitError, UnknownNameError
from rareseg.sampling.uniforms import uniforms


def held(masks, corners, class_index):
    """Whether each window of 16 x 16 holds the class, cut from the mask itself."""
    return np.array(
        [
            (masks[r][max(0, y) : y + 16, max(0, x) : x + 16] == class_index).any()
            for r, y, x in zip(*corners, strict=True)
        ]
    )


@pytest.mark.parametrize("start", [0, 777, 10**12])
def test_every_stretch_has_the_proportions(start, make_plan, masks):
    """A patch of one pixel shows which class it was drawn for."""
    plan = make_plan({"name": "proportions", "shares": {"cavity": 1, "crack": 3}}, (1, 1))
    index = start + np.arange(400)
    corners = plan.draw(uniforms(0, index, plan.NUM_UNIFORMS), index)
    drawn = np.array([masks[r][y, x] for r, y, x in zip(*corners, strict=True)])
    assert np.bincount(drawn, minlength=3).tolist() == pytest.approx([0, 300, 100], abs=6)
    assert plan.planned_patches == {"cavity": 0.25, "crack": 0.75}
    assert plan.describe() == "proportions: 1 x 1 patches, of which 25% hold cavity, 75% hold crack"


def test_pixels_and_places_are_those_of_oversampling(make_plan):
    """Where the class is the same, so is the patch."""
    plan = make_plan({"name": "proportions", "shares": {"crack": 2}})
    other = make_plan({"name": "oversample", "shares": {"crack": 1.0}})
    index = np.arange(500)
    u = uniforms(4, index, 4)
    assert (np.stack(plan.draw(u, index)) == np.stack(other.draw(u, index))).all()


def test_a_patch_of_the_background_holds_a_pixel_of_it(make_plan, masks):
    plan = make_plan({"name": "proportions", "shares": {"background": 1}})
    index = np.arange(2000)
    corners = plan.draw(uniforms(0, index, 4), index)
    assert held(masks, corners, 0).all()
    assert held(masks, corners, 1).any()


def test_equal_samples_deals_out_all_classes_but_the_background(make_plan, masks):
    plan = make_plan("equal_samples")
    same = make_plan({"name": "proportions", "shares": {"crack": 5, "cavity": 5}})
    index = np.arange(3000)
    u = uniforms(1, index, plan.NUM_UNIFORMS)
    assert (np.stack(plan.draw(u, index)) == np.stack(same.draw(u, index))).all()
    assert plan.planned_patches == {"crack": 0.5, "cavity": 0.5}
    assert plan.describe() == "equal_samples: 16 x 16 patches, as many that hold each of crack, cavity"
    assert make_plan({"name": "equal_samples", "classes": ["rarest", "background"]}).planned_patches == {
        "background": 0.5,
        "cavity": 0.5,
    }


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"name": "proportions"}, ConfigError, "the key 'shares' is missing"),
        ({"name": "proportions", "shares": {"cavity": 0}}, ConfigError, "greater than 0"),
        ({"name": "proportions", "shares": {"cavity": float("inf")}}, ConfigError, "finite"),
        ({"name": "proportions", "shares": {"cavty": 1}}, UnknownNameError, "Did you mean 'cavity'"),
        ({"name": "proportions", "shares": {"absent": 1}}, SplitError, "'proportions' needs training pixels"),
        (
            {"name": "proportions", "shares": {"rarest": 1, "cavity": 1}},
            OptionError,
            "'proportions' name class 'cavity' twice",
        ),
        (
            {"name": "equal_samples", "classes": ["absent"]},
            SplitError,
            "'equal_samples' needs training pixels",
        ),
        (
            {"name": "equal_samples", "classes": ["cavity", "rarest"]},
            OptionError,
            "'equal_samples' should name",
        ),
        ({"name": "equal_samples", "classes": []}, ConfigError, "classes"),
    ],
)
def test_mistakes_get_one_line(settings, error, text, make_plan):
    with pytest.raises(error, match=text) as caught:
        make_plan(settings)
    assert "\n" not in str(caught.value)
