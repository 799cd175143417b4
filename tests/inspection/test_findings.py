import numpy as np
import pytest

from rareseg.inspection.class_statistics import class_statistics
from rareseg.inspection.image_findings import image_findings
from rareseg.inspection.image_scan import scan_images
from rareseg.inspection.label_findings import identical_masks, label_findings
from rareseg.inspection.split_table import split_table


def _mask(crack: int = 0, cavity: int = 0, ignored: int = 0) -> np.ndarray:
    mask = np.zeros((10, 10), np.uint8)
    mask[0, :crack] = 1
    mask[4, :cavity] = 2
    mask[8, :ignored] = 255
    return mask


@pytest.fixture
def look(make_source, split):
    """Findings by kind about masks and their parts."""

    def run(masks, train, val, test=None, groups=None):
        source = make_source(masks, groups=groups or {})
        splits = split(source, train, val, test)
        statistics = class_statistics(source, source.sample_ids)
        pixels = {one.sample: one.pixels for one in statistics}
        parts = [part for part in (splits.train, splits.val, splits.test) if part]
        table = split_table(source, splits, {r: pixels[r.sample] for part in parts for r in part.regions})
        found = label_findings(
            statistics, table, class_names=source.names, paths={name: f"{name}.png" for name in masks}
        )
        by_kind: dict[str, list] = {}
        for finding in found:
            by_kind.setdefault(finding.kind, []).append(finding)
        return by_kind

    return run


def test_nothing_stands_out_in_an_even_dataset(look) -> None:
    masks = {f"s{i}": np.roll(_mask(crack=5, cavity=4), i, axis=1) for i in range(4)}
    assert look(masks, ["s0", "s1"], ["s2", "s3"]) == {}


def test_absent_classes_weigh_more_in_train(look) -> None:
    found = look({"a": _mask(crack=5), "b": _mask(cavity=4)}, ["a"], ["b"])["absent_class"]
    assert [finding.level for finding in found] == ["serious", "warning"]
    assert found[0].text.startswith("No training pixel shows 'cavity'")
    assert found[1].text.startswith("No pixel of val shows 'crack'")


def test_a_class_that_rests_on_one_group(look) -> None:
    masks = {f"s{i}": np.roll(_mask(crack=5, cavity=4), i, axis=1) for i in range(6)}
    masks["s4"] = _mask()
    groups = {"s2": "tile", "s3": "tile"}
    (finding,) = look(masks, ["s0", "s1"], ["s2", "s3", "s4"], ["s5"] * 2, groups)["single_group"][:1]
    assert finding.text.startswith("In val, 'crack' and 'cavity' each rest on a single group")


def test_drift_says_how_much_and_which_way(look) -> None:
    masks = {"a": _mask(crack=2, cavity=4), "b": _mask(crack=2, cavity=5), "c": _mask(crack=9, cavity=4)}
    (finding,) = look(masks, ["a", "b"], ["c", "c"])["drift"]
    assert finding.text.startswith(
        "Shares in val are not those of train: 'crack' 4.5 times more (9 % against 2 %)."
    )
    assert finding.level == "warning"


def test_tiny_regions_blank_masks_and_unlabelled_pixels_name_their_files(look) -> None:
    masks = {"a": _mask(crack=2, cavity=4), "b": _mask(), "c": _mask(crack=4, cavity=4, ignored=3)}
    found = look(masks, ["a", "b"], ["c"])
    assert found["tiny_region"][0].text.startswith("1 of 2 regions of 'crack' cover at most 2 pixels")
    assert found["tiny_region"][0].files == ["a.png"]
    assert found["blank_mask"][0].files == ["b.png"]
    assert "1 mask shows background only, 33.3 % of all" in found["blank_mask"][0].text
    assert found["unlabelled"][0].files == ["c.png"]
    assert found["unlabelled"][0].text.startswith("1 % of all pixels carry the ignore label")


def test_much_unlabelled_is_a_warning(look) -> None:
    mask = _mask(crack=4, cavity=4)
    mask[5:8] = 255
    assert look({"a": mask, "b": mask}, ["a"], ["b"])["unlabelled"][0].level == "warning"


def test_identical_masks_are_sets_without_the_blank_ones(make_source) -> None:
    masks = {"a": _mask(crack=4), "b": _mask(), "c": _mask(crack=4), "d": _mask(), "e": _mask(crack=5)}
    masks |= {name: np.full((10, 10), 2, np.uint8) for name in "fg"}
    source = make_source(masks)
    assert identical_masks(class_statistics(source, source.sample_ids)) == [["a", "c"]]


def test_images_to_stumble_over(make_source) -> None:
    rng = np.random.default_rng(0)
    images = {f"s{i}": rng.integers(90, 110, (1, 8, 8)).astype(np.uint8) for i in range(5)}
    images["constant"] = np.full((1, 8, 8), 100, np.uint8)
    images["dark"] = rng.integers(0, 4, (1, 8, 8)).astype(np.uint8)
    images["bright"] = np.where(np.arange(64).reshape(1, 8, 8) < 50, 255, 0).astype(np.uint8)
    images["two"] = rng.integers(90, 110, (2, 8, 8)).astype(np.uint8)
    images["wide"] = rng.integers(90, 110, (1, 8, 9)).astype(np.uint8)
    source = make_source(
        {name: np.zeros(image.shape[1:], np.uint8) for name, image in images.items()}, images
    )
    paths = {name: f"{name}.png" for name in images}
    found = {f.kind: f for f in image_findings(scan_images(source, source.sample_ids), paths)}
    files = {kind: finding.files for kind, finding in found.items()}
    assert files == {
        "bands": ["two.png"],
        "constant_image": ["constant.png"],
        "dark_image": ["dark.png"],
        "overexposed_image": ["bright.png"],
        "sizes": (),
    }
    assert "another number of bands than 1 ('two')" in found["bands"].text
    assert "2 sizes (height x width), from 8 x 8 to 8 x 9" in found["sizes"].text


def test_missing_values_and_equal_bands(make_source) -> None:
    grey = np.random.default_rng(0).normal(size=(1, 8, 8)).astype(np.float32)
    grey[0, 0, :3] = np.nan
    source = make_source({"a": np.zeros((8, 8), np.uint8)}, {"a": grey})
    (missing,) = image_findings(scan_images(source, ["a"]), {"a": "a.tif"})
    assert missing.text.startswith("3 values are NaN or infinite in 1 image ('a')")
    colour = np.repeat(np.arange(64, dtype=np.uint8).reshape(1, 8, 8), 3, axis=0)
    source = make_source({"a": np.zeros((8, 8), np.uint8)}, {"a": colour})
    (equal,) = image_findings(scan_images(source, ["a"]), {"a": "a.tif"})
    assert equal.text.startswith("All 3 bands hold the same values. Set 'bands: [0]'")
