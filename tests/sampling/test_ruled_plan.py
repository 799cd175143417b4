from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from rareseg.errors import ConfigError, OptionError, SplitError
from rareseg.sampling.uniforms import uniforms
from rareseg.types import IGNORE_INDEX


def draw(plan, num=3000, seed=0, start=0):
    index = np.arange(start, start + num)
    return plan.draw(uniforms(seed, index, plan.NUM_UNIFORMS), index)


def is_blank(window):
    return (window == 0).any() and np.isin(window, [0, IGNORE_INDEX]).all()


def holds(window):
    return np.isin(window, [1, 2]).any()


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_constant_share_of_blank_patches_is_exact(share, make_plan, covered):
    plan = make_plan({"name": "uniform", "blank": {"share": share}})
    u = uniforms(2, np.arange(3000), plan.NUM_UNIFORMS)
    for window, number in zip(covered(plan.draw(u)), u[:, 0], strict=True):
        assert is_blank(window) if number < share else holds(window)
    assert plan.planned == {}


def test_an_annealed_share_follows_the_progress(make_plan, covered):
    plan = make_plan({"name": "uniform", "blank": {"share": 0.8, "to": 0.2}}, num_patches=40_000)
    for start in (0, 18_000, 38_000, 90_000):
        blank = np.mean([is_blank(window) for window in covered(draw(plan, 2000, start=start))])
        middle = min(1, (start + 1000) / 40_000)
        assert blank == pytest.approx(0.8 - 0.6 * middle, abs=0.056)  # five standard errors
    assert plan.describe() == (
        "uniform: 16 x 16 patches from 4 regions, regions by area; 80% of patches blank falling to 20%, all "
        "others hold a class"
    )


def test_the_rest_are_the_patches_of_the_plan_that_hold_a_class(make_plan, masks):
    """Windows of the small patch, as likely as the uniform plan makes them, given that they hold a class."""
    patch = (12, 20)
    plan = make_plan({"name": "uniform", "weight": "positions", "blank": {"share": 0.0}}, patch)
    cells = {}
    for number, mask in enumerate(masks):
        for row in range(min(0, mask.shape[0] - 12), max(0, mask.shape[0] - 12) + 1):
            for col in range(min(0, mask.shape[1] - 20), max(0, mask.shape[1] - 20) + 1):
                if holds(mask[max(0, row) : row + 12, max(0, col) : col + 20]):
                    cells[number, row, col] = 0
    for cell in zip(*(values.tolist() for values in draw(plan, 60_000)), strict=True):
        cells[cell] += 1
    assert stats.chisquare(list(cells.values())).pvalue > 1e-3


def test_classes_keep_their_shares_while_blank_ones_are_drawn_again(make_plan, covered):
    """Half of the patches of the plan hold cavity, the other half must hold something by the rule."""
    plan = make_plan(
        {"name": "oversample", "shares": {"cavity": 0.5, "background": 0.5}, "blank": {"share": 0.2}}
    )
    assert plan.planned_patches == {"cavity": pytest.approx(0.4)}
    u = uniforms(5, np.arange(3000), plan.NUM_UNIFORMS)
    windows = covered(plan.draw(u))
    # Column 0 is for blank or not, column 1 the kind that every attempt keeps.
    rest = u[:, 0] >= 0.2
    cavity = np.array([(window == 2).any() for window in windows])
    assert cavity[rest & (u[:, 1] < 0.5)].all()
    assert not cavity[~rest].any()
    assert all(holds(window) for window, wanted in zip(windows, rest, strict=True) if wanted)


@pytest.mark.parametrize("name", ["uniform", "rarity", "batch_balanced"])
def test_refused_patches_never_come(name, make_plan, images, covered):
    settings = {"name": name, "refuse": {"ignored": 0.05, "dark": {"below": 10, "share": 0.25}}}
    plan = make_plan(settings, read_pixels=lambda number: images[number])
    corners = draw(plan)
    for window, image in zip(covered(corners), covered(corners, arrays=images), strict=True):
        assert (window == IGNORE_INDEX).mean() <= 0.05
        assert (image.mean(axis=0) < 10).mean() <= 0.25
    # The same plan without the rule breaks both limits.
    free = draw(make_plan(name))
    assert max((window == IGNORE_INDEX).mean() for window in covered(free)) > 0.05
    assert max((image.mean(axis=0) < 10).mean() for image in covered(free, arrays=images)) > 0.25
    assert plan.planned == plan.planned_patches == {}
    assert plan.describe().endswith("; refused: over 5% ignored or over 25% darker than 10")


def test_balanced_stays_certain_under_refusal(make_plan, covered):
    plan = make_plan({"name": "balanced", "shares": {"cavity": 0.4}, "refuse": {"ignored": 0.02}})
    u = uniforms(5, np.arange(3000), plan.NUM_UNIFORMS)
    held = np.array([(window == 2).any() for window in covered(plan.draw(u))])
    assert (held == (u[:, 0] < 0.4)).all()


def test_blank_patches_are_refused_too(make_plan, images, covered):
    plan = make_plan(
        {"name": "uniform", "blank": {"share": 0.5}, "refuse": {"dark": {"below": 10, "share": 0}}},
        read_pixels=lambda number: images[number],
    )
    corners = draw(plan)
    blank = [is_blank(window) for window in covered(corners)]
    assert np.mean(blank) == pytest.approx(0.5, abs=0.046)
    assert all((image.mean(axis=0) >= 10).all() for image in covered(corners, arrays=images))


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        (
            {"name": "balanced", "shares": {"cavity": 0.5}, "blank": {"share": 0.5}},
            OptionError,
            "The plan 'balanced' settles itself how many patches are blank, so 'blank' has no effect",
        ),
        (
            {"name": "uniform", "blank": {"share": 0.5, "to": 0}},
            OptionError,
            "its length is not known here; drop 'to'",
        ),
        (
            {"name": "uniform", "refuse": {"dark": {"below": 3}}},
            OptionError,
            "no images are at hand here; drop 'dark'",
        ),
        (
            {"name": "uniform", "refuse": {}},
            ConfigError,
            "'refuse' names nothing to refuse; give 'ignored' or 'dark'",
        ),
        (
            {"name": "uniform", "leave_out": {}},
            ConfigError,
            "'leave_out' names nothing; give 'blank: true' or",
        ),
        ({"name": "uniform", "blank": {"share": 2}}, ConfigError, "blank.share: .*less than or equal to 1"),
        ({"name": "uniform", "blnk": {"share": 1}}, ConfigError, "no key 'blnk'. Did you mean 'blank'"),
    ],
)
def test_mistakes_get_one_line(settings, error, text, make_plan):
    with pytest.raises(error, match=text) as caught:
        make_plan(settings)
    assert "\n" not in str(caught.value)


def test_rules_that_no_window_meets_are_refused(make_plan, images):
    dark = {"name": "uniform", "refuse": {"dark": {"below": 1000, "share": 0.0}}}
    with pytest.raises(
        SplitError, match="Sampling needs a window that is not refused, but the training part"
    ):
        make_plan(dark, read_pixels=lambda number: images[number])
    with pytest.raises(SplitError, match="'blank' needs windows of 60 x 60 pixels that hold only background"):
        make_plan({"name": "uniform", "blank": {"share": 0.1}, "leave_out": {"blank": True}}, (60, 60))
    with pytest.raises(SplitError, match="that holds a class beside the background, but the training part"):
        make_plan({"name": "uniform", "blank": {"share": 0.1}, "leave_out": {"samples": ["s0", "s1", "s2"]}})
