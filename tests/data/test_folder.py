from __future__ import annotations

import csv
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from rareseg.data.image_file import read_image_file, read_mask_file
from rareseg.data.open_dataset import open_dataset
from rareseg.errors import (
    ConfigError,
    DataError,
    DuplicateSampleError,
    MissingFileError,
    OptionError,
    SizeMismatchError,
    UnknownLabelError,
)
from rareseg.types import Window

MASK = np.array([[0, 1, 1, 0], [0, 255, 1, 0], [0, 0, 0, 0]], np.uint8)
FLAT = np.zeros((3, 4), np.uint8)


def write_table(path: Path, *lines: str) -> None:
    path.write_text("\n".join(lines) + "\n")


def test_images_and_masks_pair_by_name_also_in_subfolders(make_folder: Any, tmp_path: Path) -> None:
    source = open_dataset(make_folder({"b/two": MASK, "a": FLAT, "b/one": FLAT}))
    assert source.sample_ids == ("a", "b/one", "b/two")
    assert source.size("b/two") == (3, 4)
    assert (source.num_bands, source.dtype) == (1, np.uint8)
    assert np.array_equal(source.read_mask("b/two"), MASK)
    assert np.array_equal(source.read_image("b/two"), read_image_file(tmp_path / "images/b/two.png"))
    assert source.group("a") == "a"
    assert source.mask_path("b/two") == tmp_path / "masks/b/two.png"


@pytest.mark.parametrize("window", [Window(0, 0, 3, 4), Window(1, 1, 2, 3), Window(2, 0, 1, 1)])
def test_windows_are_cuts_of_the_whole(make_folder: Any, window: Window) -> None:
    source = open_dataset(make_folder({"a": MASK, "b": FLAT}))
    for _ in range(2):
        assert np.array_equal(source.read_mask("a", window), MASK[window.slices])
        assert np.array_equal(source.read_image("a", window), source.read_image("a")[:, *window.slices])
    source.read_mask("a", window)[...] = 7
    assert np.array_equal(source.read_mask("a"), MASK)
    with pytest.raises(DataError, match=r"should lie inside the sample 'a' of 3 x 4 pixels"):
        source.read_image("a", Window(2, 0, 2, 1))


def test_a_table_names_files_groups_and_exclusions(make_folder: Any, tmp_path: Path) -> None:
    make_folder({"x": MASK, "y": FLAT, "z": FLAT})
    write_table(
        tmp_path / "index.csv",
        "sample_id,image,mask,split,group",
        "two,images/y.png,masks/x.png,val,g1",
        "one,images/x.png,masks/x.png,train,g1",
        "three,images/z.png,masks/z.png,test,g2",
    )
    settings = make_folder({}, samples="index.csv", group={"column": "group"}, exclude=["three"])
    source = open_dataset(settings)
    assert source.sample_ids == ("one", "two")
    assert [source.group(name) for name in source.sample_ids] == ["g1", "g1"]
    assert source.column("split") == {"one": "train", "two": "val"}
    assert np.array_equal(source.read_mask("two"), MASK)
    with pytest.raises(
        ConfigError, match=r"has no column 'site', but has sample_id, image, mask, split, group"
    ):
        source.column("site")


def test_mistakes_in_the_table_name_file_and_line(make_folder: Any, tmp_path: Path) -> None:
    make_folder({"x": FLAT})
    table = tmp_path / "index.csv"
    settings = make_folder({}, samples="index.csv")
    write_table(table, "sample_id,image", "a,images/x.png", "b,images/x.png", "a,images/x.png")
    with pytest.raises(
        DuplicateSampleError, match=r"'.*index.csv' has the sample_id 'a' twice, in lines 2 and 4"
    ):
        open_dataset(settings)
    write_table(table, "sample_id,image", "a,images/q.png")
    with pytest.raises(
        MissingFileError, match=r"'.*q\.png' does not exist, but 'index\.csv' names it as the image of 'a'"
    ):
        open_dataset(settings)
    write_table(table, "id,image", "a,images/x.png")
    with pytest.raises(ConfigError, match="has no column 'sample_id', but has id, image"):
        open_dataset(settings)
    write_table(table, "sample_id,image,mask", "a,images/x.png,masks/none.png")
    with pytest.raises(MissingFileError, match=r"none\.png' does not exist.*as the mask of 'a'"):
        open_dataset(settings)
    write_table(table, "sample_id,image", ",images/x.png")
    with pytest.raises(DataError, match="line 2 has an empty sample_id or image"):
        open_dataset(settings)
    write_table(table, "sample_id,image")
    with pytest.raises(MissingFileError, match="has no rows"):
        open_dataset(settings)


def test_a_missing_mask_is_an_error_or_background(make_folder: Any, tmp_path: Path) -> None:
    settings = make_folder({"a": MASK, "b": MASK})
    (tmp_path / "masks/b.png").unlink()
    source = open_dataset(settings)
    assert (source.has_mask("a"), source.has_mask("b")) == (True, False)
    for read in (source.read_mask, source.mask_path):
        text = (
            r"The image '.*b\.png' has no mask; looked for 'b' with one of \.png,.*masks\.missing: background"
        )
        with pytest.raises(MissingFileError, match=text):
            read("b")
    lenient = open_dataset(make_folder({}, masks={"missing": "background"}))
    assert np.array_equal(lenient.read_mask("b"), FLAT)


def test_masks_may_lie_beside_images(
    save: Callable[[Path, Any], Path], make_settings: Any, tmp_path: Path
) -> None:
    save(tmp_path / "images/a.bmp", FLAT)
    save(tmp_path / "images/a_mask.bmp", MASK)
    source = open_dataset(make_settings(masks={"folder": "images", "suffix": "_mask"}))
    assert source.sample_ids == ("a",)
    assert np.array_equal(source.read_mask("a"), MASK)


def test_png_masks_may_lie_beside_jpg_images(
    save: Callable[[Path, Any], Path], make_settings: Any, tmp_path: Path
) -> None:
    save(tmp_path / "images/a.jpg", FLAT)
    save(tmp_path / "images/a.png", MASK)
    source = open_dataset(make_settings(masks={"folder": "images"}))
    assert source.sample_ids == ("a",)
    assert np.array_equal(source.read_mask("a"), MASK)


def test_a_masks_folder_below_the_images_holds_no_samples(
    save: Callable[[Path, Any], Path], make_settings: Any, tmp_path: Path
) -> None:
    save(tmp_path / "a.png", FLAT)
    save(tmp_path / "masks/a.png", MASK)
    save(tmp_path / ".hidden/b.png", FLAT)
    assert open_dataset(make_settings(images=".")).sample_ids == ("a",)


def test_names_that_meet_are_refused(
    make_folder: Any, save: Callable[[Path, Any], Path], tmp_path: Path
) -> None:
    settings = make_folder({"a": MASK})
    save(tmp_path / "masks/a.bmp", MASK)
    with pytest.raises(DuplicateSampleError, match=r"a\.bmp' and '.*a\.png' could both be the mask of 'a'"):
        open_dataset(settings)
    save(tmp_path / "images/a.bmp", MASK)
    with pytest.raises(DuplicateSampleError, match=r"a\.bmp' and '.*a\.png' would both be the sample 'a'"):
        open_dataset(settings)


def test_folders_that_are_not_there_are_named(make_folder: Any, make_settings: Any, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"The images folder '.*images' does not exist"):
        open_dataset(make_settings())
    (tmp_path / "images").mkdir()
    with pytest.raises(MissingFileError, match=r"holds no image; looked for \.png, \.jpg"):
        open_dataset(make_settings())
    make_folder({"a": MASK})
    with pytest.raises(
        MissingFileError, match=r"masks folder '.*nowhere' does not exist; mend `masks\.folder`"
    ):
        open_dataset(make_settings(masks={"folder": "nowhere"}))


def test_masks_of_colours(save: Callable[[Path, Any], Path], make_settings: Any, tmp_path: Path) -> None:
    paint = np.zeros((256, 3), np.uint8)
    paint[[0, 1, 255]] = [(10, 20, 30), (200, 0, 0), (255, 255, 255)]
    save(tmp_path / "images/a.png", FLAT)
    save(tmp_path / "masks/a.png", paint[MASK])
    save(tmp_path / "images/b.png", FLAT)
    indexed = Image.fromarray(MASK)
    indexed.putpalette(paint.tobytes())
    indexed.save(tmp_path / "masks/b.png")
    settings = make_settings(
        masks={"kind": "rgb", "ignore": "#ffffff"},
        classes=[{"name": "good", "color": [10, 20, 30]}, {"name": "bad", "color": "#c80000"}],
    )
    source = open_dataset(settings)
    for name in source.sample_ids:
        assert np.array_equal(source.read_mask(name), MASK)


def test_grey_masks_with_a_threshold(
    save: Callable[[Path, Any], Path], make_settings: Any, tmp_path: Path
) -> None:
    save(tmp_path / "images/a.png", FLAT[:1])
    save(tmp_path / "masks/a.png", np.array([[0, 99, 101, 255]], np.uint8))
    source = open_dataset(make_settings(masks={"kind": "binary", "threshold": 100}))
    assert source.read_mask("a").tolist() == [[0, 0, 1, 1]]


def test_one_binary_mask_for_each_class(
    save: Callable[[Path, Any], Path], make_settings: Any, tmp_path: Path
) -> None:
    for name in "abc":
        save(tmp_path / f"images/{name}.jpg", FLAT[:1])
    save(tmp_path / "crack/a.png", np.array([[0, 255, 255, 0]], np.uint8))
    save(tmp_path / "hole/a.png", np.array([[0, 0, 255, 255]], np.uint8))
    save(tmp_path / "hole/b.png", np.array([[255, 0, 0, 0]], np.uint8))
    changes = {
        "masks": {"kind": "per_class"},
        "classes": [
            {"name": "good"},
            {"name": "crack", "folder": "crack"},
            {"name": "hole", "folder": "hole"},
        ],
    }
    source = open_dataset(make_settings(**changes))
    assert source.read_mask("a").tolist() == [[0, 1, 2, 2]]
    assert source.read_mask("b").tolist() == [[2, 0, 0, 0]]
    with pytest.raises(MissingFileError, match="in 'crack, hole'"):
        source.read_mask("c")


def test_sizes_of_image_and_mask_must_agree(
    make_folder: Any, save: Callable[[Path, Any], Path], tmp_path: Path
) -> None:
    settings = make_folder({"a": MASK})
    save(tmp_path / "masks/a.png", MASK[:2])
    with pytest.raises(
        SizeMismatchError, match=r"a\.png' is 2 x 4 pixels \(rows x columns\), but its image '.*' is 3 x 4"
    ):
        open_dataset(settings).read_mask("a")
    save(tmp_path / "masks/a.png", MASK.T)
    with pytest.raises(SizeMismatchError, match="They look turned"):
        open_dataset(settings).read_mask("a")


def test_unknown_values_are_named_with_file_and_place(make_folder: Any) -> None:
    source = open_dataset(make_folder({"a": np.where(MASK == 255, 6, MASK)}))
    with pytest.raises(UnknownLabelError, match=r"masks/a\.png' holds the value 6 at \(row 1, col 1\)"):
        source.read_mask("a")


def test_groups_come_from_names(make_folder: Any) -> None:
    masks = {"tile7_1": FLAT, "tile7_2": FLAT, "tile12_1": FLAT}
    source = open_dataset(make_folder(masks, group={"pattern": r"^(tile\d+)_"}))
    assert [source.group(name) for name in source.sample_ids] == ["tile12", "tile7", "tile7"]
    whole = open_dataset(make_folder(masks, group={"pattern": r"tile\d+"}))
    assert whole.group("tile7_1") == "tile7"
    with pytest.raises(DataError, match=r"group.pattern 'x\(\\d\)' does not match the name 'tile12_1'"):
        open_dataset(make_folder(masks, group={"pattern": r"x(\d)"}))
    with pytest.raises(ConfigError, match=r"group.pattern '\(' is no regular expression"):
        open_dataset(make_folder(masks, group={"pattern": "("}))
    with pytest.raises(DataError, match="finds an empty group"):
        open_dataset(make_folder(masks, group={"pattern": "(z*)"}))


def test_a_region_of_interest_is_the_whole_sample(make_folder: Any, tmp_path: Path) -> None:
    mask = np.arange(30, dtype=np.uint8).reshape(5, 6) % 2
    settings = make_folder({"a": mask, "b": mask}, roi="roi.csv")
    write_table(tmp_path / "roi.csv", "sample_id,row,col,height,width", "a,1,2,3,4")
    source = open_dataset(settings)
    assert (source.size("a"), source.size("b")) == ((3, 4), (5, 6))
    assert np.array_equal(source.read_mask("a"), mask[1:4, 2:6])
    image = read_image_file(tmp_path / "images/a.png")
    assert np.array_equal(source.read_image("a", Window(1, 1, 2, 2)), image[:, 2:4, 3:5])
    with pytest.raises(DataError, match=r"should lie inside the sample 'a' of 3 x 4"):
        source.read_mask("a", Window(0, 0, 4, 4))


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (
            ["sample_id,row,col,height,width", "a,1,2,5,4"],
            r"box of 'a' in 'roi.csv' .*inside its 3 x 4 pixels",
        ),
        (["sample_id,row,col,height,width", "a,-1,0,2,2"], r"box of 'a' in 'roi.csv' \(row -1"),
        (
            ["sample_id,row,col,height,width", "q,0,0,1,1"],
            "line 2 names the sample 'q', which does not exist",
        ),
        (["sample_id,row,col,height,width", "a,0,0,1,1", "a,0,0,1,1"], "line 3 names the sample 'a', twice"),
        (
            ["sample_id,row,col,height,width", "a,0,0,1.5,1"],
            "line 2 should hold.*as whole numbers, but holds 0, 0, 1.5, 1",
        ),
        (["sample_id,row,col,height", "a,0,0,1"], "has no column 'width'"),
    ],
)
def test_mistakes_in_regions_of_interest(
    make_folder: Any, tmp_path: Path, lines: list[str], text: str
) -> None:
    write_table(tmp_path / "roi.csv", *lines)
    with pytest.raises((DataError, ConfigError), match=text):
        open_dataset(make_folder({"a": MASK}, roi="roi.csv")).size("a")


def test_bands_are_chosen_in_order_and_must_exist(make_settings: Any, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    pixels = np.arange(5 * 40 * 2, dtype=np.uint16).reshape(5, 40, 2)
    tifffile.imwrite(tmp_path / "images/a.tif", pixels, photometric="minisblack")
    source = open_dataset(make_settings(bands=[3, 0]))
    assert source.num_bands == 2
    assert source.dtype == np.uint16
    assert np.array_equal(source.read_image("a"), pixels[[3, 0]])
    with pytest.raises(DataError, match=r"`bands` is \[0, 5\], but '.*a\.tif' has the bands 0 to 4"):
        open_dataset(make_settings(bands=[0, 5])).read_image("a")


def test_images_of_other_bands_are_refused(
    make_folder: Any, save: Callable[[Path, Any], Path], tmp_path: Path
) -> None:
    settings = make_folder({"a": MASK, "b": MASK})
    save(tmp_path / "images/b.png", np.zeros((3, 4, 3), np.uint8))
    with pytest.raises(DataError, match=r"b\.png' has 3 bands of uint8, but '.*a\.png' has 1 of uint8"):
        open_dataset(settings).read_image("b")


def test_excluding_what_is_not_there_is_an_error(make_folder: Any) -> None:
    with pytest.raises(
        OptionError, match=r"`exclude` names the sample 'scan_2', but there is none. Did you mean 'scan_1'"
    ):
        open_dataset(make_folder({"scan_1": MASK}, exclude=["scan_2"]))
    with pytest.raises(MissingFileError, match="no samples left after `exclude`"):
        open_dataset(make_folder({"scan_1": MASK}, exclude=["scan_1"]))


def test_a_pickled_source_reads_the_same(make_folder: Any) -> None:
    source = open_dataset(make_folder({"a": MASK}))
    source.read_mask("a", Window(0, 0, 1, 1))
    copy = pickle.loads(pickle.dumps(source))
    assert np.array_equal(copy.read_mask("a"), MASK)
    assert copy.signature(["a"]) == source.signature(["a"])


def test_files_that_change_or_go_after_opening_are_noticed(
    make_folder: Any, save: Callable[[Path, Any], Path], tmp_path: Path
) -> None:
    source = open_dataset(make_folder({"a": MASK}))
    window = Window(0, 0, 2, 2)
    assert source.read_mask("a", window).tolist() == [[0, 1], [0, 255]]
    save(tmp_path / "masks/a.png", np.ones((3, 4), np.uint8))
    assert source.read_mask("a", window).tolist() == [[1, 1], [1, 1]]
    (tmp_path / "masks/a.png").unlink()
    with pytest.raises(MissingFileError, match=r"masks/a\.png' has gone since the dataset was opened"):
        source.read_mask("a", window)
    with pytest.raises(MissingFileError, match=r"masks/a\.png' does not exist"):
        source.read_mask("a")


def test_the_signature_follows_files_and_settings(
    make_folder: Any, save: Callable[[Path, Any], Path], tmp_path: Path
) -> None:
    settings = make_folder({"a": MASK, "b": MASK})
    before = open_dataset(settings).signature(["a"])
    assert open_dataset(settings).signature(["a"]) == before
    other = open_dataset(make_folder({}, masks={"ignore": None}))
    assert other.signature(["a"]) != before
    save(tmp_path / "masks/a.png", np.zeros((3, 4), np.uint8))
    assert open_dataset(settings).signature(["a"]) != before


REAL = {
    "magnetic_tile": ["background", "blowhole", "break", "crack", "fray", "uneven"],
    "neu_seg_dedup": ["background", "inclusion", "patches", "scratches"],
    "crackforest": ["background", "crack"],
}


@pytest.mark.parametrize("name", REAL)
def test_real_sets_open_and_their_counted_pixels_agree(
    name: str, shared_data: Path, make_settings: Any
) -> None:
    settings = make_settings(
        name=name,
        root=str(shared_data / name),
        classes=[{"name": label} for label in REAL[name]],
        samples="index.csv",
        group={"column": "group"},
        split={"kind": "column"},
    )
    source = open_dataset(settings)
    with (shared_data / name / "index.csv").open(newline="") as file:
        rows = {row["sample_id"]: row for row in csv.DictReader(file)}
    assert set(source.sample_ids) == set(rows)
    for sample in source.sample_ids[::40]:
        row = rows[sample]
        assert source.size(sample) == (int(row["height"]), int(row["width"]))
        assert source.group(sample) == row["group"]
        assert source.read_image(sample).shape == (source.num_bands, *source.size(sample))
        mask = source.read_mask(sample)
        for value in [*range(len(REAL[name])), 255]:
            assert (mask == value).sum() == int(row[f"px_{value}"])
        assert np.array_equal(mask, read_mask_file(source.mask_path(sample)))
