"""COCO files: masks as pycocotools draws them, what overlaps and crowds become, and what is refused."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from rareseg.config.dataset import DatasetSettings
from rareseg.config.load import parse_settings
from rareseg.data.open_dataset import open_dataset
from rareseg.errors import (
    ConfigError,
    DataError,
    DuplicateSampleError,
    MissingFileError,
    RaresegError,
    SizeMismatchError,
    UnreadableFileError,
)
from rareseg.types import Window

# A busy machine draws examples slowly; fixtures of a folder are overwritten by each example.
UNCHECKED = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]

CATEGORIES = [{"id": 7, "name": "rust"}, {"id": 3, "name": "dent"}, {"id": 9, "name": "dust"}]
CLASSES = [{"name": "background"}, {"name": "dent", "value": 3}, {"name": "rust", "value": 7}]
HEIGHT, WIDTH = 6, 8


def rectangle(row: int, col: int, height: int, width: int) -> list[list[int]]:
    return [[col, row, col + width, row, col + width, row + height, col, row + height]]


def annotation(number: int, category: int, segmentation: Any, **keys: Any) -> dict[str, Any]:
    return {"id": number, "image_id": 1, "category_id": category, "segmentation": segmentation, **keys}


Make = Callable[..., DatasetSettings]


@pytest.fixture
def coco(tmp_path: Path) -> Make:
    """Write two images, ``a`` with these annotations and ``b`` without any; returns settings."""

    def make(
        *annotations: dict[str, Any], changes: dict[str, Any] | None = None, **keys: Any
    ) -> DatasetSettings:
        (tmp_path / "images").mkdir(exist_ok=True)
        for name in "ab":
            Image.new("L", (WIDTH, HEIGHT), 5).save(tmp_path / f"images/{name}.png")
        images = [
            {"id": 1, "file_name": "a.png", "height": HEIGHT, "width": WIDTH, "scene": "x", "part": "train"},
            {"id": 2, "file_name": "b.png", "scene": "y", "part": "val"},
        ]
        value = {
            "images": images,
            "annotations": list(annotations),
            "categories": CATEGORIES,
            **(changes or {}),
        }
        (tmp_path / "c.json").write_text(json.dumps(value))
        base = {"name": "c", "root": str(tmp_path), "format": "coco", "classes": CLASSES}
        section = {"file": "c.json", **keys.pop("coco", {})}
        return parse_settings(DatasetSettings, {**base, "coco": section, **keys}, where="dataset.yaml")

    return make


FIRST, SECOND = annotation(1, 7, rectangle(0, 0, 4, 4)), annotation(2, 3, rectangle(2, 2, 2, 5))


def painted(*parts: tuple[tuple[int, int, int, int], int]) -> np.ndarray[Any, Any]:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for (row, col, height, width), value in parts:
        mask[row : row + height, col : col + width] = value
    return mask


@pytest.mark.parametrize(
    ("overlap", "common"), [("later", 1), ("earlier", 2), ("smaller", 1), ("ignore", 255)]
)
def test_overlaps(coco: Make, overlap: str, common: int) -> None:
    expected = painted(((0, 0, 4, 4), 2), ((2, 2, 2, 5), 1), ((2, 2, 2, 2), common))
    for listed in ((FIRST, SECOND),) if overlap != "smaller" else ((FIRST, SECOND), (SECOND, FIRST)):
        source = open_dataset(coco(*listed, coco={"overlap": overlap}))
        np.testing.assert_array_equal(source.read_mask("a"), expected)
        for window in (Window(1, 1, 3, 4), Window(2, 3, 1, 1), Window(5, 0, 1, 8)):
            np.testing.assert_array_equal(source.read_mask("a", window), expected[window.slices])
    assert not source.read_mask("b").any()
    assert source.has_mask("b")


def test_overlap_of_one_class_is_no_clash(coco: Make) -> None:
    twin = annotation(3, 7, rectangle(1, 1, 2, 2))
    source = open_dataset(coco(FIRST, twin, coco={"overlap": "ignore"}))
    np.testing.assert_array_equal(source.read_mask("a"), painted(((0, 0, 4, 4), 2)))


@pytest.mark.parametrize(("crowd", "value"), [("ignore", 255), ("class", 1), ("drop", 0)])
@pytest.mark.parametrize("overlap", ["later", "earlier", "ignore"])
def test_crowds_lie_below(coco: Make, crowd: str, value: int, overlap: str) -> None:
    runs = {"size": [HEIGHT, WIDTH], "counts": [2, 2, 4, 2, 4, 2, HEIGHT * (WIDTH - 3) + 2]}
    listed = (FIRST, annotation(5, 3, runs, iscrowd=1))
    for order in (listed, listed[::-1]):
        source = open_dataset(coco(*order, coco={"crowd": crowd, "overlap": overlap}))
        expected = painted(((2, 0, 2, 3), value), ((0, 0, 4, 4), 2))
        np.testing.assert_array_equal(source.read_mask("a"), expected)
    lone = open_dataset(coco(listed[1], coco={"crowd": crowd}))
    np.testing.assert_array_equal(lone.read_mask("a"), painted(((2, 0, 2, 3), value)))


def test_categories_match_by_name_or_value(coco: Make) -> None:
    strange = annotation(8, 9, rectangle(4, 4, 2, 2))
    with pytest.raises(
        ConfigError, match=r"categories 'dust', which match no class by name\. Did you mean 'rust'"
    ):
        open_dataset(coco(FIRST, strange))
    for match in ("name", "value"):
        for unmatched, value in (("background", 0), ("ignore", 255)):
            source = open_dataset(coco(FIRST, strange, coco={"match": match, "unmatched": unmatched}))
            expected = painted(((0, 0, 4, 4), 2), ((4, 4, 2, 2), value))
            np.testing.assert_array_equal(source.read_mask("a"), expected)
    renamed = [CLASSES[0], {"name": "corrosion", "value": 7}]
    source = open_dataset(coco(FIRST, classes=renamed, coco={"match": "value"}))
    np.testing.assert_array_equal(source.read_mask("a"), painted(((0, 0, 4, 4), 1)))
    with pytest.raises(ConfigError, match="categories 'dent', which match no class by value"):
        open_dataset(coco(FIRST, SECOND, classes=renamed, coco={"match": "value"}))


def test_keys_of_images_are_columns(coco: Make) -> None:
    source = open_dataset(coco(FIRST, group={"column": "scene"}, split={"kind": "column", "column": "part"}))
    assert [source.group(name) for name in source.sample_ids] == ["x", "y"]
    assert source.column("part") == {"a": "train", "b": "val"}
    with pytest.raises(ConfigError, match=r"c\.json' has no column 'set', but has id, part, scene"):
        source.column("set")


def test_a_table_chooses_and_names_images(coco: Make, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("sample_id,image\nfirst,images/a.png\n")
    source = open_dataset(coco(FIRST, samples="t.csv"))
    assert source.sample_ids == ("first",)
    np.testing.assert_array_equal(source.read_mask("first"), painted(((0, 0, 4, 4), 2)))
    Image.new("L", (WIDTH, HEIGHT)).save(tmp_path / "images/c.png")
    (tmp_path / "t.csv").write_text("sample_id,image\nnew,images/c.png\n")
    with pytest.raises(DataError, match=r"c\.json' does not list the image '.*c\.png' of 'new'"):
        open_dataset(coco(FIRST, samples="t.csv"))


def test_other_masks_are_files_or_another_coco_file(coco: Make, tmp_path: Path) -> None:
    coco(SECOND)
    (tmp_path / "c.json").rename(tmp_path / "second.json")
    (tmp_path / "masks").mkdir()
    for name in "ab":
        Image.fromarray(painted(((5, 5, 1, 1), 3))).save(tmp_path / f"masks/{name}.png")
    source = open_dataset(coco(FIRST, other_masks={"second": "second.json", "exact": "masks"}))
    assert source.other_labels == ("second", "exact")
    np.testing.assert_array_equal(source.read_mask("a", labels="second"), painted(((2, 2, 2, 5), 1)))
    np.testing.assert_array_equal(source.read_mask("a", labels="exact"), painted(((5, 5, 1, 1), 1)))


@pytest.mark.parametrize(
    ("segmentation", "text"),
    [
        (None, "annotation 4 has no segmentation, at most a box"),
        ([], "annotation 4 has an empty segmentation"),
        ([[1, 2, 3, 4]], "annotation 4 has a polygon of 4 numbers, but three or more pairs"),
        ([[1, 2, 3, 4, 5, 6, 7]], "annotation 4 has a polygon of 7 numbers"),
        ([[1, 2, 3, 4, "5", 6]], "annotation 4 should be lists of x, y"),
        ([1, 2, 3, 4, 5, 6], "annotation 4 should be lists of x, y"),
        ([[0, 0, 1e9, 0, 1, 1]], "annotation 4 has a vertex that is infinite or a million pixels away"),
        ([[0, 0, float("nan"), 0, 1, 1]], "annotation 4 has a vertex that is infinite"),
        ([[0, 0, 10**400, 0, 1, 1]], "annotation 4 has a vertex that is infinite"),
        ({"counts": [48]}, "annotation 4 has run lengths without a 'size'"),
        (
            {"size": [8, 6], "counts": [48]},
            "annotation 4 has run lengths for 8 x 6 pixels, but its image has 6 x 8",
        ),
        (
            {"size": [6, 8], "counts": [47]},
            "annotation 4 has run lengths that do not sum to its image's 48 pixels",
        ),
        ({"size": [6, 8], "counts": [50, -2]}, "annotation 4 has a count that no image could have"),
        ({"size": [6, 8], "counts": [2**62, 2**62]}, "annotation 4 has a count that no image could have"),
        (
            {"size": [6, 8], "counts": [24.0, 24]},
            "annotation 4 has counts that are neither a list of whole numbers",
        ),
        ({"size": [6, 8], "counts": "P"}, "annotation 4 has compressed run lengths that are cut off"),
        (
            {"size": [6, 8], "counts": "0 0"},
            "annotation 4 has compressed run lengths that are cut off or no such",
        ),
        (
            {"size": [6, 8], "counts": "oooooooo0"},
            "annotation 4 has compressed run lengths with a number that no",
        ),
        ({"size": [6, 8], "counts": ""}, "annotation 4 has run lengths that do not sum"),
    ],
)
def test_a_wrong_segmentation_names_its_annotation(coco: Make, segmentation: Any, text: str) -> None:
    source = open_dataset(coco(FIRST, annotation(4, 7, segmentation)))
    with pytest.raises(DataError, match=text):
        source.read_mask("a")
    assert not source.read_mask("b").any()


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"images": None}, UnreadableFileError, "has no list 'images'"),
        ({"categories": [{"id": 7}]}, DataError, "the category 7 has no name"),
        (
            {"categories": [*CATEGORIES, CATEGORIES[0]]},
            DataError,
            "the category 7 has no name, or comes twice",
        ),
        ({"categories": CATEGORIES[1:]}, DataError, "annotation 1 is of the category 7, which"),
        ({"images": [{"id": 2, "file_name": "b.png"}]}, DataError, "annotation 1 is of the image 1, which"),
        ({"images": [{"file_name": "b.png"}]}, DataError, r"images\[0\] has no id"),
        ({"images": [{"id": 1}]}, DataError, "the image 1 has no file_name"),
        ({"images": [{"id": 1, "file_name": "b.png"}] * 2}, DuplicateSampleError, "two images with the id 1"),
        (
            {"images": [{"id": 1, "file_name": "b.png"}, {"id": 2, "file_name": "b.png"}]},
            DuplicateSampleError,
            "the file 'b.png' twice, as images 1 and 2",
        ),
        (
            {"images": [{"id": 1, "file_name": "b.png"}, {"id": 2, "file_name": "b.jpg"}]},
            DuplicateSampleError,
            "would both be the sample 'b': 'b.png' and 'b.jpg'",
        ),
        (
            {"images": [{"id": 1, "file_name": "z.png"}]},
            MissingFileError,
            r"z\.png' does not exist, but .* lists it",
        ),
        ({"images": [], "annotations": []}, MissingFileError, "lists no image"),
        (
            {"images": [{"id": 1, "file_name": "a.png", "height": 8, "width": 6}]},
            SizeMismatchError,
            "says that the image of 'a' is 8 x 6 pixels .*, but it is 6 x 8",
        ),
        (
            {"images": [{"id": 1, "file_name": "a.png", "height": "x"}]},
            DataError,
            "no sensible height and width",
        ),
        ({"annotations": [{**FIRST, "iscrowd": 5}]}, DataError, "annotation 1 has the iscrowd 5"),
        ({"annotations": [7]}, DataError, r"annotations\[0\] has no id"),
        ({"annotations": [{"id": 1}]}, DataError, "annotation 1 has no image_id"),
    ],
)
def test_mistakes_in_the_lists(coco: Make, changes: dict[str, Any], error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        open_dataset(coco(FIRST, changes=changes)).read_mask("a")


def test_files_that_are_no_json(coco: Make, tmp_path: Path) -> None:
    configured = coco(FIRST)
    for text in ("{", "[" * 100_000, '{"a": ' + "9" * 5000 + "}", "\xff"):
        (tmp_path / "c.json").write_text(text, encoding="latin-1")
        with pytest.raises(UnreadableFileError, match="cannot be read as JSON"):
            open_dataset(configured)
    (tmp_path / "c.json").unlink()
    with pytest.raises(MissingFileError, match=r"c\.json' does not exist; mend `coco\.file`"):
        open_dataset(configured)


def test_masks_have_no_effect(coco: Make) -> None:
    with pytest.raises(ConfigError, match="'masks' has no effect where format is 'coco'"):
        coco(FIRST, masks={"folder": "m"})


def test_a_pickled_source_draws_the_same(coco: Make) -> None:
    source = open_dataset(coco(FIRST, SECOND))
    expected = source.read_mask("a")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(source)).read_mask("a"), expected)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=7) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)
NUMBERS = st.integers(-20, 60) | st.floats(-50, 60) | st.sampled_from([1e300, float("inf"), True, "1"])
SEGMENTATIONS = (
    VALUES
    | st.lists(st.lists(NUMBERS, max_size=10), max_size=3)
    | st.fixed_dictionaries(
        {"size": st.just([HEIGHT, WIDTH]) | VALUES},
        optional={"counts": st.lists(NUMBERS, max_size=6) | st.text("0123oPQ\\é", max_size=12) | VALUES},
    )
)


@settings(max_examples=100, deadline=None, suppress_health_check=UNCHECKED)
@given(segmentation=SEGMENTATIONS, crowd=st.sampled_from([0, 1]))
def test_any_segmentation_is_drawn_or_refused(coco: Make, segmentation: Any, crowd: int) -> None:
    source = open_dataset(coco(annotation(4, 7, segmentation, iscrowd=crowd)))
    try:
        mask = source.read_mask("a")
    except DataError as error:
        assert "annotation 4" in str(error) and "\n" not in str(error)
        return
    assert set(np.unique(mask)) <= {0, 255 if crowd else 2}
    window = Window(1, 2, 4, 5)
    np.testing.assert_array_equal(source.read_mask("a", window), mask[window.slices])


ENTRY = st.dictionaries(
    st.sampled_from(["id", "image_id", "category_id", "file_name", "height", "width", "name", "iscrowd"]),
    VALUES | st.sampled_from([1, 2, 7, "a.png", "rust"]),
)
LISTS = VALUES | st.lists(ENTRY | VALUES, max_size=3)


@settings(max_examples=150, deadline=None, suppress_health_check=UNCHECKED)
@given(
    value=st.fixed_dictionaries({"images": LISTS, "annotations": LISTS, "categories": LISTS})
    | VALUES.map(lambda value: {"x": value})
)
def test_any_json_is_read_or_refused(coco: Make, value: Any) -> None:
    try:
        source = open_dataset(coco(changes=value))
        for name in source.sample_ids:
            source.read_mask(name)
    except RaresegError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("name", [".", "/", "..", "x" * 5000, "a\0.png", "\ud800.png", "a\nb", "", None, 7])
def test_odd_file_names_are_our_own_error(coco: Make, name: Any) -> None:
    with pytest.raises(DataError, match=r"no file_name|does not exist"):
        open_dataset(coco(changes={"images": [{"id": 1, "file_name": name}]}))
