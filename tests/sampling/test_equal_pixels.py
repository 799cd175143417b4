from __future__ import annotations

import re

import numpy as np
import pytest

from rareseg.errors import ConfigError, OptionError, SplitError, UnknownNameError
from rareseg.sampling.class_locations import ClassLocations
from rareseg.sampling.plans import build_plan
from rareseg.sampling.uniforms import uniforms
from rareseg.types import Region, Window

NAMES = ("background", "blob", "crack", "cavity", "absent")
SHAPES = ((90, 120), (64, 150), (100, 100), (30, 40), (80, 80))


def foil(number, shape):
    """A mask of large blobs, long cracks and cavities of three pixels; the third image has blobs alone."""
    rng = np.random.default_rng(number)
    mask = np.zeros(shape, np.uint8)
    for value, num, height, width in ((1, 2, 14, 18), (2, 2, 2, 25), (3, 6, 1, 3)):
        for _ in range(num if number != 2 or value == 1 else 0):
            row, col = rng.integers(0, shape[0] - height), rng.integers(0, shape[1] - width)
            mask[row : row + height, col : col + width] = value
    mask[:3, :5] = 255
    return mask


@pytest.fixture(scope="module")
def foils():
    """Five masks; the last one holds nothing but background."""
    masks = [foil(number, shape) for number, shape in enumerate(SHAPES)]
    masks[4][masks[4] != 255] = 0
    return masks


@pytest.fixture
def make(foils):
    """A plan over the masks."""

    def build(settings="equal_pixels", patch_size=(32, 32), masks=foils, names=NAMES):
        keys = {"name": settings} if isinstance(settings, str) else {"name": "equal_pixels", **settings}
        return build_plan(
            keys,
            regions=[Region(f"s{number}", Window(7, 9, *mask.shape)) for number, mask in enumerate(masks)],
            locations=ClassLocations.from_masks(masks, names),
            patch_size=patch_size,
            class_names=names,
        )

    return build


def cut(masks, corners, patch):
    """Windows of the masks, without what is outside."""
    return [
        masks[r][max(0, y) : max(0, y + patch[0]), max(0, x) : max(0, x + patch[1])]
        for r, y, x in zip(*(values.tolist() for values in corners), strict=True)
    ]


def totals(masks, corners, patch=(32, 32)):
    """Pixels of each class over all windows, counted in the masks."""
    return sum(np.bincount(window[window != 255], minlength=5) for window in cut(masks, corners, patch))


@pytest.mark.parametrize(
    "settings", [{}, {"tolerance": 0.02}, {"overlap": 0.6}, {"max_windows_per_image": 30}]
)
def test_drawn_pixels_are_equal_within_the_tolerance_over_a_period(settings, make, foils):
    plan = make(settings)
    index = np.arange(plan.period)
    for seed in range(3):
        found = totals(
            foils, plan.draw(uniforms(seed, index + plan.period * seed, 1), index + plan.period * seed)
        )
        assert found[1:4].max() / found[1:4].min() - 1 <= settings.get("tolerance", 0.1)


def test_planned_shares_are_those_of_the_weighted_windows(make, foils):
    plan = make()
    corners = (plan.grid.region, plan.grid.row, plan.grid.col)
    counts = np.array([np.bincount(w[w != 255], minlength=5) for w in cut(foils, corners, (32, 32))])
    assert counts.tolist() == plan.grid.counts.tolist()
    expected = plan.weights @ counts
    assert plan.weights.sum() == pytest.approx(1)
    assert list(plan.planned.values()) == pytest.approx(expected / expected.sum())
    held = plan.weights @ (counts > 0)
    assert plan.planned_patches == pytest.approx(
        {name: share for name, share in zip(NAMES, held, strict=True) if share}
    )
    assert expected[1:4] == pytest.approx(expected[1], rel=1e-6)


def test_patches_come_from_every_image_with_a_class_and_from_no_other(make):
    report = make().report()
    assert set(report["patches_per_image"]) == {"s0", "s1", "s2", "s3"}
    assert min(report["patches_per_image"].values()) > 0.01
    drawn = make().draw(uniforms(0, np.arange(2000), 1), np.arange(2000)).region_index
    assert set(drawn.tolist()) == {0, 1, 2, 3}


def test_limits_of_overlap_and_of_windows_hold(make):
    plan = make({"overlap": 0.4, "max_windows_per_image": 7, "stride": 3})
    grid = plan.grid
    assert np.bincount(grid.region).max() <= 7
    for number in range(4):
        here = grid.region == number
        corner = np.stack([grid.row[here], grid.col[here]], axis=1)
        shared = np.maximum(32 - np.abs(corner[:, None] - corner[None]), 0).prod(axis=2)
        np.fill_diagonal(shared, 0)
        assert shared.max() <= 0.4 * 32 * 32
    assert set(plan.report()["windows_per_image"].values()) <= set(range(1, 8))


def test_the_report_adds_up(make, foils):
    plan = make({"overlap": 0.9})
    report = plan.report()
    assert report["windows"] == len(plan.grid) == sum(report["windows_per_image"].values())
    assert sum(report["patches_per_image"].values()) == pytest.approx(1)
    assert 1 <= report["effective_windows"] <= report["windows"] <= report["candidates"]
    assert report["equality"] == pytest.approx(0, abs=1e-6)
    assert report["equality_of_a_period"] <= 0.1
    pixels = np.sum([np.bincount(mask[mask != 255], minlength=5) for mask in foils], axis=0)
    for number, name in enumerate(NAMES[1:4], start=1):
        repeats = report["repeats"][name]
        assert repeats["mean"] == pytest.approx(1000 * report["pixels_per_patch"][name] / pixels[number])
        assert repeats["most"] >= repeats["mean"]
        assert 0 <= repeats["never"] < 1
    assert report["seconds"] > 0
    assert plan.describe().startswith(
        f"equal_pixels: 32 x 32 patches, as many pixels of blob, crack, cavity, from {report['windows']} windows "
        "of 4 images, equal within "
    )


def test_chosen_classes_alone_are_equal(make, foils):
    plan = make({"classes": ["rarest", "blob"]})
    index = np.arange(plan.period)
    found = totals(foils, plan.draw(uniforms(0, index, 1), index))
    assert found[1] / found[3] == pytest.approx(1, abs=0.1)
    assert set(plan.report()["pixels_per_patch"]) == {"blob", "cavity"}


def test_equal_background_is_refused_with_the_best_that_can_be(make, foils):
    """A window of 32 x 32 holds a few cavities at most, so 100 times as much background is out of reach."""
    with pytest.raises(
        OptionError, match=r"infeasible: in every mixture of the .* windows the largest"
    ) as caught:
        make({"include_background": True})
    text = str(caught.value)
    assert text.endswith("(background against cavity); set 'include_background: false'.")
    ratio = float(re.search(r"at least ([\d.e+]+) times", text)[1])
    # No window of any place beats it.
    best = min(
        (window == 0).sum() / (window == 3).sum()
        for mask in foils[:4]
        for window in cut([mask], (np.zeros(9000, np.int64), *np.mgrid[0:90, 0:100].reshape(2, -1)), (32, 32))
        if (window == 3).any()
    )
    assert ratio >= 0.5 * best
    with pytest.raises(OptionError, match="infeasible"):
        make({"include_background": True, "tolerance": 0.9 * ratio - 1})


def test_where_equality_is_just_missed_the_tolerance_helps():
    """Every window has 10 pixels of one class for 9 of the other: 1.11 at best."""
    mask = np.zeros((4, 40), np.uint8)
    mask[0, :20], mask[1, :18] = 1, 2
    masks = [mask] * 3
    keys = {
        "regions": [Region(f"s{number}", Window(0, 0, 4, 40)) for number in range(3)],
        "locations": ClassLocations.from_masks(masks, "abc"),
        "patch_size": (4, 40),
        "class_names": "abc",
    }
    with pytest.raises(OptionError, match=r"at least 1.11 times the smallest \(b against c\); take smaller"):
        build_plan({"name": "equal_pixels", "tolerance": 0.1}, **keys)
    plan = build_plan({"name": "equal_pixels", "tolerance": 0.2}, **keys)
    assert plan.report()["equality"] == pytest.approx(1 / 9)


def test_shares_of_images_are_lowered_unless_they_were_asked_for():
    """The second image has ten of one class for one of the other, and no more of it is left elsewhere."""
    masks = [np.zeros((8, 8), np.uint8) for _ in range(2)]
    masks[0][0, :3], masks[0][1, :4] = 1, 2
    masks[1][:5], masks[1][5, :4] = 1, 2
    keys = {
        "regions": [Region(f"s{number}", Window(0, 0, 8, 8)) for number in range(2)],
        "locations": ClassLocations.from_masks(masks, "abc"),
        "patch_size": (8, 8),
        "class_names": "abc",
    }
    # 3 x + 40 y = 4 x + 4 y, so y : x = 1 : 36 and the second image gets 1 / 37 of the patches at most.
    report = build_plan("equal_pixels", **keys).report()
    assert report["patches_per_image"] == pytest.approx({"s0": 36 / 37, "s1": 1 / 37})
    with pytest.raises(OptionError, match=r"at least 0.5 of an even share .* lower 'image_share' to 0.03125"):
        build_plan({"name": "equal_pixels", "image_share": 0.5}, **keys)


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"classes": ["cavty", "blob"]}, UnknownNameError, "Did you mean 'cavity'"),
        (
            {"classes": ["absent", "blob"]},
            SplitError,
            "'equal_pixels' needs training pixels of class 'absent'",
        ),
        ({"classes": ["blob"]}, OptionError, "two or more classes equal, but there is only 'blob'"),
        ({"classes": ["rarest", "cavity"]}, OptionError, "name each class once, but 'cavity' is there twice"),
        ({"tolerance": 0}, ConfigError, "tolerance: .*greater than 0"),
        ({"tolerance": 1e-6}, OptionError, "should keep totals within 1e-06 over 65536 patches, but reaches"),
        ({"overlap": 1.5}, ConfigError, "overlap: .*less than or equal to 1"),
        ({"stride": 0}, ConfigError, "stride: "),
        ({"image_share": 1}, ConfigError, "image_share: .*less than 1"),
    ],
)
def test_mistakes_get_one_line(settings, error, text, make):
    with pytest.raises(error, match=text) as caught:
        make(settings)
    assert "\n" not in str(caught.value)


def test_very_many_windows_make_the_grid_coarser(make, foils, monkeypatch):
    from rareseg.sampling import equal_windows

    fine = make().report()["candidates"]
    monkeypatch.setattr(equal_windows, "_MOST_WINDOWS", 300)
    assert make().report()["candidates"] <= 300 < fine
