"""The contract that every registered plan keeps, and the messages of `build_plan`."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from rareseg.errors import ConfigError, OptionError, SplitError, UnknownNameError
from rareseg.sampling.class_locations import ClassLocations
from rareseg.sampling.plans import PLANS, build_plan
from rareseg.sampling.uniforms import uniforms

NAMES = ("background", "crack", "cavity", "absent")
EXAMPLES = {
    "uniform": ["uniform", {"name": "uniform", "weight": "pixels"}, {"name": "uniform", "weight": "regions"}],
    "oversample": [
        {"name": "oversample", "shares": {"cavity": 1.0}},
        {"name": "oversample", "shares": {"cavity": 0.3, "crack": 0.5}, "weight": "pixels"},
    ],
    "balanced": [
        {"name": "balanced", "shares": {"cavity": 0.5}},
        {"name": "balanced", "shares": {"cavity": 0.2, "crack": 0.3}},
    ],
    "batch_balanced": [
        "batch_balanced",
        {"name": "batch_balanced", "classes": ["rarest", "background"], "with_blank": False},
    ],
    "foreground": ["foreground", {"name": "foreground", "share": 1.0, "classes": ["cavity"]}],
    "equal_samples": ["equal_samples", {"name": "equal_samples", "classes": ["rarest", "background"]}],
    "proportions": [{"name": "proportions", "shares": {"background": 1, "cavity": 3}}],
    "equal_pixels": ["equal_pixels", {"name": "equal_pixels", "overlap": 0.5, "tolerance": 0.3}],
    "rarity": ["rarity", {"name": "rarity", "temperature": 0.0, "classes": ["cavity", "background"]}],
}
RULES = [
    {"blank": {"share": 0.3}},
    {"blank": {"share": 0.6, "to": 0.0}},
    {"refuse": {"ignored": 0.1, "dark": {"below": 10}}},
    {"leave_out": {"blank": True, "samples": ["s2"]}},
    {"blank": {"share": 0.3}, "refuse": {"ignored": 0.1}, "leave_out": {"samples": ["s1"]}},
]
PLAIN = [settings for name in PLANS for settings in EXAMPLES[name]]
RULED = [
    {**({"name": name} if isinstance(EXAMPLES[name][0], str) else EXAMPLES[name][0]), **rules}
    for name in PLANS
    for rules in RULES
    if not ("blank" in rules and PLANS[name].FIXES_BLANK)
]
CASES = [pytest.param(settings, id=str(settings)) for settings in (*PLAIN, *RULED)]


@pytest.fixture
def make_any(make_plan, images):
    """`make_plan` with all that any setting may ask for."""

    def make(settings, patch_size=(16, 16)):
        return make_plan(
            settings, patch_size, num_patches=3000, batch_size=6, read_pixels=lambda number: images[number]
        )

    return make


@pytest.mark.parametrize("patch_size", [(16, 16), (8, 64), (5, 3)])
@pytest.mark.parametrize("settings", CASES)
def test_a_patch_stays_inside_its_region_or_holds_all_of_it(settings, patch_size, make_any, regions):
    plan = make_any(settings, patch_size)
    corners = plan.draw(uniforms(0, np.arange(3000), plan.NUM_UNIFORMS), np.arange(3000))
    sizes = np.array([region.window[2:] for region in regions])[corners.region_index]
    spare = sizes - np.array(patch_size)
    for axis, corner in enumerate((corners.row, corners.col)):
        assert (corner >= np.minimum(spare[:, axis], 0)).all()
        assert (corner <= np.maximum(spare[:, axis], 0)).all()


@pytest.mark.parametrize("settings", CASES)
def test_a_draw_depends_on_its_own_numbers_alone(settings, make_any):
    plan = make_any(settings)
    u = uniforms(1, np.arange(60), plan.NUM_UNIFORMS)
    before = u.copy()
    whole = np.stack(plan.draw(u, np.arange(60)))
    order = np.random.default_rng(0).permutation(60)
    assert (np.stack(plan.draw(u[order], order)) == whole[:, order]).all()
    parts = [np.stack(plan.draw(u[part], part)) for part in np.split(np.arange(60), [1, 8, 8, 40])]
    assert (np.concatenate(parts, axis=1) == whole).all()
    assert (u == before).all()
    assert whole.dtype == np.int64


@pytest.mark.parametrize("settings", CASES)
def test_a_plan_goes_to_other_processes_without_the_images(settings, make_any):
    plan = make_any(settings)
    data = pickle.dumps(plan)
    u = uniforms(2, np.arange(50), plan.NUM_UNIFORMS)
    drawn, copied = plan.draw(u, np.arange(50)), pickle.loads(data).draw(u, np.arange(50))
    assert all((a == b).all() for a, b in zip(drawn, copied, strict=True))


@pytest.mark.parametrize("settings", CASES)
def test_a_plan_tells_what_it_does(settings, make_any):
    plan = make_any(settings)
    assert plan.patch_size == (16, 16)
    assert plan.describe().startswith(settings if isinstance(settings, str) else settings["name"])
    assert "\n" not in plan.describe()
    if plan.planned:
        assert sum(plan.planned.values()) == pytest.approx(1)
    assert all(0 < share <= 1 for share in plan.planned_patches.values())


@pytest.mark.parametrize("settings", CASES)
def test_patches_hold_what_was_planned(settings, make_any, covered):
    """Promised shares are the least; 5 standard errors of 3000 patches are below 0.046."""
    plan = make_any(settings)
    windows = covered(plan.draw(uniforms(6, np.arange(3000), plan.NUM_UNIFORMS), np.arange(3000)))
    for name, share in plan.planned_patches.items():
        held = np.mean([(window == NAMES.index(name)).any() for window in windows])
        assert held >= share - 0.046 * (share < 1)


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ("unifrom", UnknownNameError, "There is no sampling plan named 'unifrom'. Did you mean 'uniform'?"),
        ({"shares": {"cavity": 1}}, OptionError, "Sampling should be the name of a plan or keys with 'name'"),
        (None, OptionError, "but None came; choose one of: "),
        ({"name": "uniform", "share": 1}, ConfigError, "there is no key 'share'"),
        ({"name": "uniform", "weight": "area"}, ConfigError, "weight: .*'positions', 'pixels' or 'regions'"),
        ({"name": "oversample"}, ConfigError, "the key 'shares' is missing"),
        ({"name": "oversample", "shares": {}}, ConfigError, "shares: "),
        ({"name": "oversample", "shares": {"cavity": 0}}, ConfigError, "shares.cavity: .*greater than 0"),
        (
            {"name": "oversample", "shares": {"cavty": 1}},
            UnknownNameError,
            "no class named 'cavty'. Did you mean 'cavity'",
        ),
        (
            {"name": "oversample", "shares": {"absent": 1}},
            SplitError,
            "needs training pixels of class 'absent'",
        ),
        (
            {"name": "oversample", "shares": {"cavity": 0.7, "crack": 0.6}},
            OptionError,
            "should sum to at most 1, but sum to 1.3; lower them",
        ),
        (
            {"name": "oversample", "shares": {"cavity": 0.1, "rarest": 0.2}},
            OptionError,
            "name class 'cavity' twice; give it one share",
        ),
        (
            {"name": "balanced", "shares": {"cavity": 0.5, "crack": 0.5}},
            OptionError,
            "should leave patches without the classes, but sum to 1; lower a share",
        ),
        (
            {"name": "balanced", "shares": {"absent": 0.5}},
            SplitError,
            "'balanced' needs .* of class 'absent'",
        ),
        ({"name": "batch_balanced", "classes": ["absent"]}, SplitError, "needs .* of class 'absent'"),
        ({"name": "foreground", "classes": ["absent"]}, SplitError, "needs .* of class 'absent'"),
        ({"name": "rarity", "classes": ["absent"]}, SplitError, "'rarity' needs .* of class 'absent'"),
        ({"name": "rarity", "classes": ["cravity"]}, UnknownNameError, "Did you mean 'cavity'"),
        ({"name": "rarity", "temperature": -1}, ConfigError, "temperature: .*greater than or equal to 0"),
        (
            {"name": "oversample", "shares": {"cavity": 1}, "weight": "pixels"},
            OptionError,
            "uses 'weight' for uniform patches, but its shares sum to 1",
        ),
    ],
)
def test_mistakes_get_one_line(settings, error, text, make_plan):
    with pytest.raises(error, match=text) as caught:
        make_plan(settings)
    assert "\n" not in str(caught.value)


def test_a_patch_without_area_is_refused(make_plan):
    with pytest.raises(OptionError, match=r"A patch has at least 1 x 1 pixels, but patch_size is \(0, 16\)"):
        make_plan("uniform", (0, 16))


def test_a_training_part_without_regions_or_labels_is_refused(regions):
    empty = ClassLocations.from_masks([], ["background"])
    with pytest.raises(SplitError, match="the training part is empty"):
        build_plan("uniform", regions=(), locations=empty, patch_size=(4, 4), class_names=["background"])
    ignored = ClassLocations.from_masks([np.full((40, 50), 255, np.uint8)], ["background"])
    with pytest.raises(
        SplitError, match="Sampling needs labelled pixels, but all training pixels are ignored"
    ):
        build_plan(
            "uniform", regions=regions[:1], locations=ignored, patch_size=(4, 4), class_names=["background"]
        )
