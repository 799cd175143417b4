"""Stacks of tiles: how arrays lie, what names them, and what is refused."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from rareseg.config.dataset import DatasetSettings
from rareseg.config.load import parse_settings
from rareseg.data.open_dataset import open_dataset
from rareseg.data.source import Source
from rareseg.data.splits import make_splits
from rareseg.errors import (
    ConfigError,
    DataError,
    DuplicateSampleError,
    MissingFileError,
    RaresegError,
    SizeMismatchError,
    UnknownLabelError,
    UnreadableFileError,
)
from rareseg.types import Window

# A busy machine draws examples slowly; fixtures of a folder are overwritten by each example.
UNCHECKED = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]

CLASSES = [{"name": "background"}, {"name": "one"}, {"name": "two"}]
IMAGES = np.arange(4 * 3 * 40 * 50, dtype=np.uint16).reshape(4, 3, 40, 50)
MASKS = np.random.default_rng(0).integers(0, 3, (4, 40, 50)).astype(np.uint8)
APART = {"file": "a.npz", "images": "images"}
KEY = {"key": "masks"}


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., DatasetSettings]:
    def make(**keys: Any) -> DatasetSettings:
        value = {"name": "s", "root": str(tmp_path), "format": "npz", "classes": CLASSES, **keys}
        return parse_settings(DatasetSettings, value, where="dataset.yaml")

    return make


def check(source: Source, images: np.ndarray[Any, Any], masks: np.ndarray[Any, Any]) -> None:
    assert len(source.sample_ids) == len(images)
    window = Window(3, 5, 20, 30)
    for name, image, mask in zip(source.sample_ids, images, masks, strict=True):
        np.testing.assert_array_equal(source.read_image(name), image)
        np.testing.assert_array_equal(source.read_mask(name), mask)
        np.testing.assert_array_equal(source.read_image(name, window), image[:, 3:23, 5:35])
        np.testing.assert_array_equal(source.read_mask(name, window), mask[3:23, 5:35])


@pytest.mark.parametrize("axes", ["nchw", "nhwc", "hwcn", "chwn"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_images_and_masks_apart_in_any_order_of_axes(
    tmp_path: Path, settings: Any, axes: str, order: Any, save: Any
) -> None:
    images = np.asarray(IMAGES.transpose(["nchw".index(letter) for letter in axes]), order=order)
    masks = MASKS.transpose(["nhw".index(letter) for letter in axes if letter != "c"])
    save(tmp_path / "a.npz", images=images, masks=masks)
    check(open_dataset(settings(npz={**APART, "axes": axes}, masks=KEY)), IMAGES, MASKS)
    if axes in ("nchw", "nhwc"):
        check(open_dataset(settings(npz=APART, masks=KEY)), IMAGES, MASKS)


@pytest.mark.parametrize("axes", [None, "nchw", "nhwc"])
@pytest.mark.parametrize("end", ["first", "last"])
def test_joined_images_and_masks(tmp_path: Path, settings: Any, axes: str | None, end: str) -> None:
    parts = [IMAGES, MASKS[:, None]]
    joined = np.concatenate(parts if end == "last" else parts[::-1], axis=1)
    np.save(tmp_path / "stack.npy", joined.transpose(0, 2, 3, 1) if axes == "nhwc" else joined)
    npz = {"file": "stack.npy", "images": "stack", "mask_channel": end, "axes": axes}
    source = open_dataset(settings(npz=npz))
    check(source, IMAGES, MASKS)
    assert source.sample_ids == ("stack/0000", "stack/0001", "stack/0002", "stack/0003")


def test_a_folder_of_npy_files(tmp_path: Path, settings: Any) -> None:
    (tmp_path / "arrays").mkdir()
    np.save(tmp_path / "arrays/x.npy", IMAGES[:, 0])
    np.save(tmp_path / "arrays/y.npy", MASKS[:, None])
    source = open_dataset(settings(npz={"file": "arrays", "images": "x"}, masks={"key": "y"}))
    check(source, IMAGES[:, :1], MASKS)
    assert source.image_path("x/0000") == tmp_path / "arrays/x.npy"
    assert source.mask_path("x/0000") == tmp_path / "arrays/y.npy"


@pytest.mark.parametrize(
    ("stored", "read", "values"),
    [
        (np.uint8, np.uint8, [0, 7]),
        (">u2", np.uint16, [0, 7]),
        (np.int64, np.float32, [0, 7]),
        (np.float64, np.float32, [0, 7]),
        (np.bool_, np.uint8, [0, 255]),
    ],
)
def test_number_types(tmp_path: Path, settings: Any, stored: Any, read: Any, values: list[int]) -> None:
    images = np.array([0, 7]).astype(stored).reshape(1, 1, 2)
    np.savez(tmp_path / "a.npz", images=images, masks=np.zeros((1, 1, 2), np.int32))
    source = open_dataset(settings(npz=APART, masks=KEY))
    assert source.dtype == read
    assert source.read_image("images/0000").tolist() == [[values]]
    assert source.read_image("images/0000").dtype == read


def test_floating_stacks_may_carry_whole_numbers_as_masks(tmp_path: Path, settings: Any) -> None:
    joined = np.zeros((2, 2, 40, 50), np.float32)
    joined[0, 1, 2, 3] = 2
    joined[1, 1, 30, 7] = 0.5
    np.savez(tmp_path / "a.npz", images=joined)
    source = open_dataset(settings(npz={**APART, "mask_channel": "last"}))
    assert source.read_mask("images/0000")[2, 3] == 2
    for window in (None, Window(29, 6, 4, 4)):
        with pytest.raises(UnknownLabelError, match=r"a\.npz:images\[1\]' .*holds 0\.5 at \(row 30, col 7\)"):
            source.read_mask("images/0001", window)


def test_values_kinds_and_other_masks_are_as_for_files(tmp_path: Path, settings: Any) -> None:
    second = np.where(MASKS == 1, 9, MASKS).astype(np.uint8)
    np.savez(
        tmp_path / "a.npz", images=IMAGES[:, 0], masks=MASKS * 4, second=second * 4, grey=(MASKS > 0) * 200
    )
    classes = [{"name": "background"}, {"name": "one", "value": 4}, {"name": "two", "value": 8}]
    source = open_dataset(
        settings(npz=APART, masks=KEY, classes=classes, other_masks={"b": {"key": "second", "ignore": 36}})
    )
    check(source, IMAGES[:, :1], MASKS)
    other = source.read_mask("images/0001", labels="b")
    np.testing.assert_array_equal(other, np.where(MASKS[1] == 1, 255, MASKS[1]))
    short = open_dataset(
        settings(npz=APART, masks={**KEY, "ignore": 36}, classes=classes, other_masks={"b": "second"})
    )
    np.testing.assert_array_equal(short.read_mask("images/0001", labels="b"), other)
    binary = open_dataset(settings(npz=APART, masks={"key": "grey", "kind": "binary"}, classes=CLASSES[:2]))
    np.testing.assert_array_equal(binary.read_mask("images/0002"), MASKS[2] > 0)


def test_arrays_of_one_value_a_tile_are_columns(tmp_path: Path, settings: Any) -> None:
    np.savez(
        tmp_path / "a.npz",
        images=IMAGES,
        masks=MASKS,
        split=np.array(["train", "val", "train", "test"]),
        scene=np.array([7, 8, 7, 9]),
        named=np.array([b"train", b"val", b"-", b"test"]),
    )
    source = open_dataset(settings(npz=APART, masks=KEY, split={"kind": "column"}, group={"column": "scene"}))
    assert [source.group(name) for name in source.sample_ids] == ["7", "8", "7", "9"]
    splits = make_splits(source, source.settings.split)  # type: ignore[attr-defined]
    assert [region.sample for region in splits.train.regions] == ["images/0000", "images/0002"]
    assert source.column("named")["images/0002"] == "-"
    with pytest.raises(ConfigError, match=r"a\.npz' has no column 'part', but has split, scene, named"):
        source.column("part")
    assert (
        "images/0003" not in open_dataset(settings(npz=APART, masks=KEY, exclude=["images/0003"])).sample_ids
    )


@pytest.mark.parametrize(
    "lines",
    [
        ["sample_id,index,split", "d,3,test", "b,1,val"],
        ["sample_id,image,split", "d,a.npz:images[3],test", "b,a.npz:images[1],val"],
        ["sample_id,split", "a,train", "b,val", "c,train", "d,test"],
    ],
)
def test_tables_name_tiles_by_index_image_or_order(tmp_path: Path, settings: Any, lines: list[str]) -> None:
    np.savez(tmp_path / "a.npz", images=IMAGES, masks=MASKS, split=np.array(["x"] * 4))
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    source = open_dataset(settings(npz=APART, masks=KEY, samples="t.csv"))
    assert len(source.sample_ids) == len(lines) - 1
    for name, index in (("b", 1), ("d", 3)):
        np.testing.assert_array_equal(source.read_image(name), IMAGES[index])
        np.testing.assert_array_equal(source.read_mask(name), MASKS[index])
    assert source.column("split")["b"] == "val"


@pytest.mark.parametrize(
    ("lines", "error", "text"),
    [
        (["sample_id,index", "a,4"], DataError, "line 2 has '4' as its place .* from 0 to 3"),
        (["sample_id,index", "a,x"], DataError, "line 2 has 'x' as its place"),
        (["sample_id,index", "a,1", "b,1"], DuplicateSampleError, "line 3: 'b' is tile 1, as 'a' is"),
        (["sample_id,index", "a,1", "a,2"], DuplicateSampleError, "has the sample_id 'a' twice"),
        (["sample_id,index", ",1"], DataError, "line 2 has an empty sample_id"),
        (["sample_id,split", "a,val"], DataError, "has 1 rows for 4 tiles, .* add a column 'index'"),
        (["sample_id,index"], MissingFileError, "has no rows"),
        (["name,index", "a,1"], ConfigError, "has no column 'sample_id', but has name, index"),
    ],
)
def test_mistakes_in_tables(
    tmp_path: Path, settings: Any, lines: list[str], error: type[Exception], text: str
) -> None:
    np.savez(tmp_path / "a.npz", images=IMAGES, masks=MASKS)
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(error, match=text):
        open_dataset(settings(npz=APART, masks=KEY, samples="t.csv"))


HOLDS = r"images 4 x 3 x 40 x 50 uint16, masks 4 x 40 x 50 uint8"


@pytest.mark.parametrize(
    ("arrays", "keys", "error", "text"),
    [
        (
            {},
            {"npz": {**APART, "images": "image"}},
            ConfigError,
            f"no array 'image'. Did you mean 'images'.*{HOLDS}",
        ),
        ({}, {"masks": {"key": "mask"}}, ConfigError, rf"no array 'mask'.*`masks\.key`.*{HOLDS}"),
        (
            {"masks": MASKS[:3]},
            {},
            SizeMismatchError,
            r"3 x 40 x 50 uint8, but masks of 'images' .* 4 x 40 x 50",
        ),
        (
            {"masks": MASKS[:, :9]},
            {},
            SizeMismatchError,
            "4 x 9 x 50 uint8, but masks .* should be 4 x 40 x 50",
        ),
        ({"masks": MASKS.astype(np.float32)}, {}, UnknownLabelError, "float32, but masks are whole numbers"),
        (
            {"masks": MASKS + 3},
            {},
            UnknownLabelError,
            r"masks\[0\]' holds the value [345] at \(row 0, col 0\)",
        ),
        (
            {"images": MASKS[0]},
            {},
            DataError,
            "should be a stack of images with three or four axes, but is 40 x 50",
        ),
        (
            {"images": IMAGES[:0], "masks": MASKS[:0]},
            {},
            DataError,
            "is 0 x 3 x 40 x 50, in which there are no pixels",
        ),
        ({"images": MASKS.astype(str)}, {}, DataError, "holds 4 x 40 x 50 str.* numbers were expected"),
        ({"images": MASKS.astype(complex)}, {}, DataError, "complex128 .* numbers were expected"),
        ({"images": np.array([MASKS], dtype=object)}, {}, UnreadableFileError, "holds Python objects"),
        ({"images": np.zeros((4, 3, 40, 5))}, {}, ConfigError, r"could be 'nchw' .* or 'nhwc' .*npz\.axes"),
        ({}, {"npz": {**APART, "axes": "nhw"}}, DataError, "has 4 axes .*, but npz.axes is 'nhw'"),
        (
            {},
            {"npz": {**APART, "images": "masks", "mask_channel": "last"}, "masks": {}},
            DataError,
            "no channel for a mask",
        ),
    ],
)
def test_arrays_that_do_not_fit(
    tmp_path: Path, settings: Any, arrays: dict[str, Any], keys: dict[str, Any], error: Any, text: str
) -> None:
    np.savez(tmp_path / "a.npz", **{"images": IMAGES, "masks": MASKS, **arrays})
    with pytest.raises(error, match=text) as caught:
        source = open_dataset(settings(**{"npz": APART, "masks": KEY, **keys}))
        source.read_mask(source.sample_ids[0])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({}, r"say where the masks are: give either npz\.mask_channel \(first or last\), or masks\.key"),
        ({"npz": {**APART, "mask_channel": "last"}, "masks": KEY}, "say where the masks are"),
        ({"npz": None, "masks": KEY}, "format is 'npz', but there is no section 'npz'"),
        ({"masks": {**KEY, "folder": "m"}}, r"masks\.folder has no effect where format is 'npz'"),
        ({"masks": {**KEY, "missing": "error"}}, r"masks\.missing has no effect"),
        ({"masks": {**KEY, "kind": "rgb"}}, r"masks\.kind is 'rgb', but arrays are 'indexed' or 'binary'"),
        ({"masks": KEY, "images": "x"}, "'images' has no effect where format is 'npz'"),
        ({"masks": KEY, "format": "folder"}, "'npz' is given, but format is 'folder'"),
        (
            {"masks": KEY, "format": "folder", "npz": None},
            r"masks\.key has no effect where format is 'folder'",
        ),
        ({"masks": KEY, "other_masks": {"b": {}}}, "say where the masks of 'b' are: give it a 'key'"),
        ({"masks": KEY, "other_masks": {"b": "masks"}}, r"other_masks\.b reads the same files as masks"),
        ({"npz": {**APART, "axes": "nhww"}}, "axes are the letters n, h, w and perhaps c"),
        ({"npz": {**APART, "axes": "nhw", "mask_channel": "last"}}, "axes 'nhw' have no channels"),
    ],
)
def test_settings_that_contradict_each_other(settings: Any, keys: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        settings(**{"npz": APART, **keys})


def test_a_pickled_source_reads_on_without_its_arrays(tmp_path: Path, settings: Any) -> None:
    images = np.zeros((50, 64, 128), np.uint8)
    np.savez_compressed(tmp_path / "a.npz", images=images, masks=images)
    source = open_dataset(settings(npz=APART, masks=KEY))
    source.read_image("images/0000")
    data = pickle.dumps(source)
    assert len(data) < 20_000
    assert pickle.loads(data).read_mask("images/0049").shape == (64, 128)


SHAPES = st.lists(st.sampled_from([0, 1, 2, 3, 40, 50]), max_size=5).map(tuple)
DTYPES = st.sampled_from(["u1", "i8", "f4", ">u2", "?", "c8", "U2", "S1", "M8[s]", "V3"])
ARRAYS = st.builds(lambda shape, dtype: np.zeros(shape, dtype), SHAPES, DTYPES)


@hypothesis_settings(max_examples=150, deadline=None, suppress_health_check=UNCHECKED)
@given(
    arrays=st.dictionaries(st.sampled_from(["images", "masks", "split", "other"]), ARRAYS),
    axes=st.sampled_from([None, "nhw", "nchw", "whcn"]),
    joined=st.sampled_from([None, "first", "last"]),
)
def test_any_arrays_are_read_or_refused(
    tmp_path: Path, settings: Any, arrays: dict[str, Any], axes: str | None, joined: str | None
) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    try:
        npz = {**APART, "axes": axes, "mask_channel": joined}
        source = open_dataset(settings(npz=npz, masks={} if joined else KEY, split={"kind": "column"}))
        for name in source.sample_ids[:3]:
            image, mask = source.read_image(name), source.read_mask(name)
            assert image.shape == (source.num_bands, *mask.shape) and image.dtype == source.dtype
    except RaresegError as error:
        assert "\n" not in str(error)


def test_real_tiles_have_the_class_pixels_of_their_index(shared_data: Path) -> None:
    root = shared_data / "mars_mini"
    names = ["background", "soil", "bedrock", "sand", "big_rock"]
    value = {
        "name": "mars",
        "root": str(root),
        "format": "npz",
        "npz": {"file": "mars_tiles.npz", "images": "images"},
        "masks": {"key": "labels_an2dl"},
        "classes": [{"name": name} for name in names],
        "samples": "index.csv",
        "group": {"column": "group"},
        "split": {"kind": "column"},
    }
    source = open_dataset(parse_settings(DatasetSettings, value, where="test"))
    assert len(source.sample_ids) == 145
    for index in range(5):
        column = source.column(f"px_{index}")
        for name in source.sample_ids:
            assert int((source.read_mask(name) == index).sum()) == int(column[name]), name
    splits = make_splits(source, source.settings.split)  # type: ignore[attr-defined]
    assert [len(part.regions) for part in splits.parts] == [103, 21, 21]
    joined = {
        **value,
        "npz": {"file": "mars_like_an2dl.npz", "images": "training_set", "mask_channel": "last"},
    }
    for key in ("samples", "group", "split", "masks"):
        joined.pop(key)
    stack = open_dataset(parse_settings(DatasetSettings, joined, where="test"))
    assert stack.sample_ids[-1] == "training_set/0102"
    train = [name for name in source.sample_ids if source.column("split")[name] == "train"]
    for name, tile in zip(train, stack.sample_ids, strict=True):
        np.testing.assert_array_equal(stack.read_mask(tile), source.read_mask(name))
        np.testing.assert_array_equal(stack.read_image(tile), source.read_image(name))
