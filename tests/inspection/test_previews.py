import numpy as np

from rareseg.inspection.previews import make_previews, preview_samples


def test_thin_cracks_stay_visible_and_rare_classes_win(make_source) -> None:
    mask = np.zeros((400, 300), np.uint8)
    mask[:, 150] = 1
    mask[200, 150] = 2
    mask[:40] = 255
    source = make_source({"a": mask}, {"a": np.zeros((1, 400, 300), np.uint8)})
    preview = make_previews(source, ["a"], edge=100)["a"]
    assert preview.picture.shape == preview.mask.shape == (100, 75)
    assert (preview.mask[:, 37] > 0).all()
    assert (preview.mask == 2).sum() == 1
    assert (preview.mask[:10, 0] == 255).all()
    assert preview.mask[50, 0] == 0


def test_pictures_of_eight_bit_colour_and_of_reflectance(make_source) -> None:
    colour = np.random.default_rng(0).integers(0, 255, (3, 20, 30), np.uint8)
    reflectance = np.linspace(-50, 9000, 600, dtype=np.float32).reshape(1, 20, 30)
    reflectance[0, 3, 3] = np.nan
    source = make_source(
        {name: np.zeros((20, 30), np.uint8) for name in "ab"}, {"a": colour, "b": reflectance}
    )
    previews = make_previews(source, ["a", "b"])
    np.testing.assert_array_equal(previews["a"].picture, colour.transpose(1, 2, 0))
    grey = previews["b"].picture
    assert (grey.dtype, grey.min(), grey.max(), grey[3, 3]) == (np.uint8, 0, 255, 0)
    assert abs(int(grey[10, 0]) - 128) <= 2


def test_which_samples_a_page_shows() -> None:
    pair = {"a": "x", "b": "y", "same_group": False}
    grouped = {"a": "p", "b": "q", "same_group": True}
    fingerprint = {
        "leaks": [pair],
        "duplicates": [grouped, {"a": "y", "b": "z", "same_group": False}],
        "classes": [{"examples": ["bg"]}, {"examples": ["c1", "x", "c3", "c4", "c5"]}],
        "outliers": {
            "masks": {"sets": [{"samples": [f"m{n}" for n in range(14)]}]},
            "reconstruction": {
                "images": [{"sample": "far"}, {"sample": "near"}],
                "reconstructions": {"far": "data:"},
            },
        },
    }
    marked = ["m0", "m2", "m4", "m6", "m8", "m10"]
    assert preview_samples(fingerprint) == ["x", "y", "z", "c1", "c3", "c4", *marked, "far"]
