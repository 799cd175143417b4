"""Tables of run lengths as labels: both layouts, overlaps, and mistakes with their lines."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from rareseg.config.dataset import DatasetSettings
from rareseg.config.load import parse_settings
from rareseg.config.rle_csv import RleCsvSettings
from rareseg.data.guess import guess_dataset
from rareseg.data.guess_rle import guess_rle
from rareseg.data.labels import ClassTable
from rareseg.data.open_dataset import open_dataset
from rareseg.data.rle_table import read_rle_table
from rareseg.data.run_lengths import encode_run_lengths
from rareseg.data.source import Source
from rareseg.errors import (
    ConfigError,
    DataError,
    DuplicateSampleError,
    OptionError,
    RaresegError,
    UnknownLabelError,
)
from rareseg.study.inspect_dataset import inspect_dataset
from rareseg.types import Window

SHAPE = (6, 10)
NAMES = ("a", "b", "c")
CLASSES = [{"name": "good"}, {"name": "pit"}, {"name": "line"}, {"name": "patch"}]
Open = Callable[..., Source]


@pytest.fixture
def opening(tmp_path: Path) -> Open:
    """Write a table and three images, and open them."""

    def make(table: str, *, section: dict[str, Any] | None = None, **changes: Any) -> Source:
        for number, name in enumerate(NAMES):
            path = tmp_path / "images" / f"{name}.jpg"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(np.full(SHAPE, 40 * number, np.uint8)).save(path)
        (tmp_path / "train.csv").write_text(table)
        value = {
            "name": "steel",
            "root": str(tmp_path),
            "format": "rle_csv",
            "rle_csv": {"file": "train.csv", **(section or {})},
            "classes": CLASSES,
            **changes,
        }
        return open_dataset(parse_settings(DatasetSettings, value, where="test"))

    return make


def rows(*cells: str) -> str:
    return "ImageId,ClassId,EncodedPixels\n" + "".join(f"{line}\n" for line in cells)


def test_rows_become_label_maps_and_images_without_rows_are_clean(opening: Open) -> None:
    source = opening(rows("a.jpg,1,1 2 8 1", "a.jpg,3,60 1", "b.jpg,2,"))
    expected = np.zeros(SHAPE, np.uint8)
    expected[0, 0] = expected[1, 0] = expected[1, 1] = 1
    expected[5, 9] = 3
    np.testing.assert_array_equal(source.read_mask("a"), expected)
    assert not source.read_mask("b").any() and not source.read_mask("c").any()
    assert source.has_mask("c") and source.mask_path("c").name == "train.csv"


def test_image_and_class_may_share_a_column_and_names_are_free(opening: Open) -> None:
    table = "Image_Label,Runs,note\na_patch,1 6,x\nb.jpg_2,7 1,\n"
    source = opening(table, section={"joined_column": "Image_Label", "runs_column": "Runs"})
    np.testing.assert_array_equal(source.read_mask("a")[:, 0], [3] * 6)
    assert source.read_mask("b")[0, 1] == 2


def test_classes_are_found_by_their_values(opening: Open) -> None:
    classes = [{"name": "good"}, {"name": "pit", "value": 7}, {"name": "line", "value": 1}]
    source = opening(rows("a.jpg,1,1 1", "a.jpg,7,2 1"), classes=classes)
    assert source.read_mask("a")[:2, 0].tolist() == [2, 1]


OVERLAPPING = rows("b.jpg,3,4 3", "a.jpg,1,1 4", "a.jpg,2,3 4", "a.jpg,3,4 1 13 24", "b.jpg,2,1 3")


@pytest.mark.parametrize(("rule", "column"), [("rarest", [1, 1, 1, 1, 2, 2]), ("last", [1, 1, 2, 3, 2, 2])])
def test_one_class_wins_where_several_lie(rule: str, column: list[int], opening: Open) -> None:
    # Pixels in the table: pit 4, line 7, patch 28.
    source = opening(OVERLAPPING, section={"overlap": rule})
    assert source.read_mask("a")[:, 0].tolist() == column
    assert source.overlaps == {"a": 2}


def test_layers_keep_all_classes(opening: Open) -> None:
    source = opening(OVERLAPPING)
    layers = source.read_layers("a")
    assert layers.shape == (3, *SHAPE)
    texts = [encode_run_lengths(layer) for layer in layers]
    assert texts == ["1 4", "3 4", "4 1 13 24"]
    np.testing.assert_array_equal(source.read_layers("a", Window(2, 0, 2, 3)), layers[:, 2:4, :3])
    assert not source.read_layers("c").any()


def test_overlap_can_be_an_error(opening: Open) -> None:
    with pytest.raises(
        DataError, match=r"gives 2 pixels of 'a' several of .*'line', 'patch' \(lines 3, 4, 5\)"
    ):
        opening(OVERLAPPING, section={"overlap": "error"})
    opening(rows("a.jpg,1,1 2", "a.jpg,2,3 2"), section={"overlap": "error"})


masks = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 9)), max_size=5)


@given(images=st.lists(st.lists(masks, min_size=3, max_size=3), min_size=1, max_size=4))
def test_overlaps_are_counted_as_pixels_would_be(
    images: list[list[list[tuple[int, int]]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "overlaps.csv"
    lines, expected = [], {}
    for number, classes in enumerate(images):
        depth: NDArray[np.int64] = np.zeros(200, np.int64)
        for value, gaps in enumerate(classes, start=1):
            place, words = 1, []
            for gap, length in gaps:
                place += gap
                words += [place, length]
                depth[place : place + length] += 1
                place += length
            lines.append(f"{number},{value},{' '.join(map(str, words))}")
        if (depth > 1).any():
            expected[f"id{number}"] = int((depth > 1).sum())
    path.write_text(rows(*lines))
    classes_ = ClassTable.from_names(["good", "pit", "line", "patch"])
    names = {str(number): f"id{number}" for number in range(len(images))}
    table = read_rle_table(path, RleCsvSettings(file="x"), classes_, names)
    assert table.overlaps() == expected


@pytest.mark.parametrize(
    ("table", "kind", "said"),
    [
        (
            rows("a.jpg,1,1 2", "x.jpg,1,1 2"),
            DataError,
            "line 3 names the image 'x.jpg', which does not exist",
        ),
        (
            rows("a.jpg,5,1 2"),
            UnknownLabelError,
            "line 2 names the class '5', which is no value .* 1 pit, 2 line",
        ),
        (rows("a.jpg,0,1 2"), UnknownLabelError, "line 2 names the class '0', which is the background"),
        (
            rows("a.jpg,1,1 2", "b.jpg,1,", "a.jpg,pit,"),
            DuplicateSampleError,
            "'pit' twice, in lines 2 and 4",
        ),
        (
            rows("a.jpg,1,1 2", "b.jpg,2,1 2 3"),
            DataError,
            r"line 3 \(image 'b.jpg', class 2\) should hold pairs",
        ),
        (rows("a.jpg,1,1 2,"), ConfigError, "line 2 does not have 3 cells"),
        (rows(",1,1 2"), DataError, "line 2 should name an image and a class"),
        ("ImageId,Class,EncodedPixels\n", None, ""),
        (
            "ImageId,Class,EncodedPixels\na.jpg,1,\n",
            ConfigError,
            "has no column 'ClassId', but has ImageId, Class",
        ),
        (
            "ImageId_ClassId,EncodedPixels\na.jpg_1,\n",
            ConfigError,
            "give it as joined_column: ImageId_ClassId",
        ),
        ("", ConfigError, "is empty"),
    ],
)
def test_mistakes_name_the_line(table: str, kind: type[Exception] | None, said: str, opening: Open) -> None:
    if kind is None:
        assert not opening(table).read_mask("a").any()
        return
    with pytest.raises(kind, match=said):
        opening(table)


def test_a_joined_cell_without_class_is_a_mistake(opening: Open) -> None:
    with pytest.raises(DataError, match=re.escape("should name an image and a class as in a.jpg_1")):
        opening("Both,EncodedPixels\na.jpg,1 2\n", section={"joined_column": "Both"})


def test_a_run_outside_its_image_is_said_when_it_is_read(opening: Open) -> None:
    source = opening(rows("a.jpg,1,1 2", "b.jpg,2,60 2"))
    said = r"line 3 \(image 'b', class 'line'\) holds a run that ends at pixel 61, but the image has 6 x 10"
    with pytest.raises(DataError, match=said):
        source.read_mask("b")
    with pytest.raises(DataError, match=said):
        source.read_layers("b")


def test_rows_of_excluded_images_are_passed_over(opening: Open, tmp_path: Path) -> None:
    table = rows("a.jpg,1,1 2", "b.jpg,9,nonsense")
    assert opening(table, exclude=["b"]).sample_ids == ("a", "c")
    (tmp_path / "samples.csv").write_text("sample_id,image,plant\n1,images/a.jpg,p\n2,images/b.jpg,q\n")
    source = opening(table, exclude=["2"], samples="samples.csv", group={"column": "plant"})
    assert source.read_mask("1")[0, 0] == 1
    assert source.group("1") == "p"


def test_images_that_the_table_cannot_tell_apart_are_refused(opening: Open, tmp_path: Path) -> None:
    (tmp_path / "samples.csv").write_text("sample_id,image\n1,images/a.jpg\n2,images/a.jpg\n")
    with pytest.raises(DuplicateSampleError, match=r"'1' and '2' both have the image 'a.jpg'"):
        opening(rows("a.jpg,1,1 2"), samples="samples.csv")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rle_csv": None}, "there is no section 'rle_csv'"),
        ({"masks": {"folder": "x"}}, "'masks' has no effect where format is 'rle_csv'"),
        ({"format": "folder"}, "'rle_csv' is given, but format is 'folder'"),
        (
            {"rle_csv": {"file": "x", "joined_column": "a", "class_column": "b"}},
            "no effect beside 'joined_column'",
        ),
        ({"rle_csv": {"file": "x", "image_column": "ClassId"}}, "two columns have the same name"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(changes: dict[str, Any], said: str) -> None:
    value = {"name": "x", "format": "rle_csv", "rle_csv": {"file": "x"}, "classes": CLASSES, **changes}
    with pytest.raises(ConfigError, match=said):
        parse_settings(DatasetSettings, value, where="test")


def test_an_unknown_exclude_is_refused(opening: Open) -> None:
    with pytest.raises(OptionError, match="`exclude` names the sample 'z'"):
        opening(rows("a.jpg,1,1 2"), exclude=["z"])


def test_long_cells_are_read(opening: Open, tmp_path: Path) -> None:
    limit = csv.field_size_limit()
    text = " ".join(f"{2 * place + 1} 1" for place in range(30_000))
    Image.new("L", (300, 200)).save(tmp_path / "big.jpg")
    (tmp_path / "samples.csv").write_text("sample_id,image\nbig,big.jpg\n")
    source = opening(rows(f"big.jpg,1,{text}"), samples="samples.csv")
    assert len(text) > limit and csv.field_size_limit() == limit
    assert source.read_mask("big").sum() == 30_000


def test_inspection_warns_of_overlaps(tmp_path: Path, opening: Open) -> None:
    generator = np.random.default_rng(0)
    names, lines = [], []
    for number in range(6):
        names.append(f"images/{number}.png")
        (tmp_path / "images").mkdir(exist_ok=True)
        Image.fromarray(generator.integers(0, 255, (40, 40), dtype=np.uint8)).save(tmp_path / names[-1])
        lines += [f"{number}.png,{value},{50 * value} 60" for value in (1, 2, 3)]
    (tmp_path / "s.csv").write_text(
        "sample_id,image\n" + "".join(f"{i},{name}\n" for i, name in enumerate(names))
    )
    source = opening(rows(*lines), samples="s.csv")
    found = inspect_dataset(source.settings, None)["warnings"]  # type: ignore[attr-defined]
    overlap = next(warning for warning in found if warning["kind"] == "overlap")
    assert (
        "120 pixels have several classes, in 6 images, most in '0' (20), '1' (20), '2' (20)"
        in overlap["text"]
    )
    assert overlap["files"][0].endswith("images/0.png")
    same = next(warning for warning in found if warning["kind"] == "outlier_mask")
    assert [Path(file).suffix for file in same["files"]] == [".png"] * 6


@pytest.mark.parametrize("joined", [False, True])
def test_a_contest_folder_is_guessed(joined: bool, tmp_path: Path) -> None:
    (tmp_path / "train_images").mkdir()
    (tmp_path / "test_images").mkdir()
    for name in ("train_images/a.jpg", "train_images/b.jpg", "test_images/c.jpg"):
        Image.new("L", (10, 6)).save(tmp_path / name)
    head = "ImageId_ClassId,EncodedPixels\n" if joined else rows()
    mark = "_" if joined else ","
    (tmp_path / "sample_submission.csv").write_text(f"{head}c.jpg{mark}1,\n")
    (tmp_path / "train.csv").write_text(f"{head}a.jpg{mark}1,1 2\nb.jpg{mark}4,3 1\n")
    guessed = guess_dataset(tmp_path)
    source = open_dataset(parse_settings(DatasetSettings, {**guessed, "root": str(tmp_path)}, where="guess"))
    assert (guessed["images"], guessed["rle_csv"]["file"]) == ("train_images", "train.csv")
    assert source.class_table.names == ("background", "class_1", "class_4")
    assert source.read_mask("b")[2, 0] == 2


CELL = st.one_of(
    st.sampled_from(["a.jpg", "a", "b", "1", "2", "9", "", "1 2", "3 4 9 1", "0 1", "a.jpg_1"]),
    st.text(max_size=8),
)


@given(content=st.text(max_size=60) | st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=4))
@example(content="ImageId,ClassId,EncodedPixels\na,1,\x00\n")
@example(content='ImageId,ClassId,EncodedPixels\na,1,"1\n2"\n')
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_table_opens_or_is_our_own_error(content: str | list[list[str]], tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    if isinstance(content, list):
        text = io.StringIO()
        csv.writer(text).writerows([["ImageId", "ClassId", "EncodedPixels"], *content])
        content = text.getvalue()
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    classes = ClassTable.from_names(["good", "pit", "line"])
    try:
        table = read_rle_table(
            path, RleCsvSettings(file="t.csv"), classes, {"a.jpg": "a", "a": "a", "b": "b"}
        )
    except RaresegError:
        return
    assert set(table.rows) <= {"a", "b"}
    assert table.class_pixels(3).sum() == table.runs.lengths.sum()


@given(content=st.text(max_size=60) | st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=4))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_table_is_guessed_passed_over_or_our_own_error(
    content: str | list[list[str]], tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").touch()
    if isinstance(content, list):
        text = io.StringIO()
        csv.writer(text).writerows([["ImageId", "ClassId", "EncodedPixels"], *content])
        content = text.getvalue()
    (tmp_path / "t.csv").write_bytes(content.encode("utf-8", "surrogatepass"))
    try:
        guessed = guess_rle(tmp_path)
    except RaresegError:
        return
    assert guessed is None or guessed["images"] == "."
