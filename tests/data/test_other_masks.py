"""Further sets of labels: where their masks lie, what they hold, and every mistake in them."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rareseg.config.dataset import DatasetSettings, SplitSettings, load_dataset_settings
from rareseg.config.load import parse_settings
from rareseg.data.check import check_dataset
from rareseg.data.foil_dataset import write_foil_dataset
from rareseg.data.open_dataset import open_dataset
from rareseg.data.splits import make_splits
from rareseg.errors import (
    ConfigError,
    MissingFileError,
    SizeMismatchError,
    UnknownLabelError,
    UnknownNameError,
)
from rareseg.types import Window

Save = Callable[[Path, Any], Path]
OWN = np.array([[0, 1, 1, 0], [0, 255, 1, 0], [0, 0, 0, 0]], np.uint8)
EXACT = np.array([[0, 0, 1, 1], [0, 1, 1, 0], [0, 0, 255, 0]], np.uint8)
DATASET = {"name": "d", "classes": [{"name": "good"}, {"name": "bad"}], "masks": {"suffix": "_m"}}


@pytest.fixture
def with_exact(make_folder: Any, save: Save, tmp_path: Path) -> DatasetSettings:
    """Two images, each with own and exact masks."""
    for name in "ab":
        save(tmp_path / f"masks_exact/{name}.png", EXACT)
    settings: DatasetSettings = make_folder({"a": OWN, "b": OWN}, other_masks={"exact": "masks_exact"})
    return settings


def test_each_set_is_read_by_its_name(with_exact: DatasetSettings) -> None:
    source = open_dataset(with_exact)
    window = Window(1, 1, 2, 3)
    assert source.other_labels == ("exact",)
    for _ in range(2):
        assert np.array_equal(source.read_mask("a", window), OWN[window.slices])
        assert np.array_equal(source.read_mask("a", window, labels="exact"), EXACT[window.slices])
    assert np.array_equal(source.read_mask("b", labels="exact"), EXACT)
    copy = pickle.loads(pickle.dumps(source))
    assert np.array_equal(copy.read_mask("a", window, labels="exact"), EXACT[window.slices])
    with pytest.raises(UnknownNameError, match=r"'exakt'.*Did you mean 'exact'"):
        source.read_mask("a", labels="exakt")


def test_changed_files_are_read_again(with_exact: DatasetSettings, save: Save, tmp_path: Path) -> None:
    source, whole = open_dataset(with_exact), Window(0, 0, 3, 4)
    before = source.signature(["a"])
    source.read_mask("a", whole, labels="exact")
    save(tmp_path / "masks_exact/a.png", np.ones((3, 4), np.uint8))
    assert source.read_mask("a", whole, labels="exact").tolist() == [[1] * 4] * 3
    assert source.signature(["a"]) == before, "pixels that train do not change with other labels"


def test_a_region_of_interest_cuts_every_set(
    with_exact: DatasetSettings, make_settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "roi.csv").write_text("sample_id,row,col,height,width\na,1,2,2,2\n")
    source = open_dataset(make_settings(roi="roi.csv", other_masks={"exact": "masks_exact"}))
    assert source.read_mask("a", labels="exact").tolist() == EXACT[1:, 2:].tolist()


def test_a_column_names_the_files(save: Save, make_folder: Any, tmp_path: Path) -> None:
    make_folder({"x": OWN})
    save(tmp_path / "second/other_name.png", EXACT)
    (tmp_path / "index.csv").write_text(
        "sample_id,image,mask,mask_b\none,images/x.png,masks/x.png,second/other_name.png\n"
    )
    source = open_dataset(make_folder({}, samples="index.csv", other_masks={"b": {"column": "mask_b"}}))
    assert np.array_equal(source.read_mask("one"), OWN)
    assert np.array_equal(source.read_mask("one", labels="b"), EXACT)
    swapped = open_dataset(
        make_folder(
            {}, samples="index.csv", masks={"column": "mask_b"}, other_masks={"a": {"column": "mask"}}
        )
    )
    assert np.array_equal(swapped.read_mask("one"), EXACT)
    assert np.array_equal(swapped.read_mask("one", labels="a"), OWN)
    with pytest.raises(ConfigError, match=r"has no column 'mask_c'.*mend `other_masks\.c\.column`"):
        open_dataset(make_folder({}, samples="index.csv", other_masks={"c": {"column": "mask_c"}}))


def test_sets_may_differ_in_kind(save: Save, make_folder: Any, tmp_path: Path) -> None:
    save(tmp_path / "grey/a.png", np.where(EXACT == 1, 200, 0).astype(np.uint8))
    save(tmp_path / "split/bad/a.png", np.where(EXACT == 1, 255, 0).astype(np.uint8))
    settings = make_folder(
        {"a": OWN},
        other_masks={
            "grey": {"folder": "grey", "kind": "binary", "threshold": 100},
            "split": {"folder": "split", "kind": "per_class"},
        },
    )
    source = open_dataset(settings)
    for name in source.other_labels:
        assert np.array_equal(source.read_mask("a", labels=name), EXACT == 1)


def test_masks_with_a_suffix_beside_images_are_no_samples(
    save: Save, make_settings: Any, tmp_path: Path
) -> None:
    save(tmp_path / "images/a.bmp", OWN * 0)
    save(tmp_path / "images/a_own.bmp", OWN)
    save(tmp_path / "images/a_exact.bmp", EXACT)
    source = open_dataset(
        make_settings(
            masks={"folder": "images", "suffix": "_own"},
            other_masks={"exact": {"folder": "images", "suffix": "_exact"}},
        )
    )
    assert source.sample_ids == ("a",)
    assert np.array_equal(source.read_mask("a", labels="exact"), EXACT)


@pytest.mark.parametrize(
    ("spoiled", "error", "message"),
    [
        (
            None,
            MissingFileError,
            r"has no mask of the labels 'exact'; looked for 'b' .* other_masks\.exact\.missing: background",
        ),
        (EXACT[:2], SizeMismatchError, r"masks_exact/b\.png' is 2 x 4 pixels"),
        (np.where(EXACT == 1, 7, 0), UnknownLabelError, r"masks_exact/b\.png' holds the value 7"),
    ],
)
def test_the_check_reads_every_set(
    with_exact: DatasetSettings,
    save: Save,
    tmp_path: Path,
    spoiled: Any,
    error: type[Exception],
    message: str,
) -> None:
    def check() -> None:
        source = open_dataset(with_exact)
        check_dataset(source, make_splits(source, SplitSettings(kind="region", val_share=0.34)))

    check()
    path = tmp_path / "masks_exact/b.png"
    path.unlink()
    if spoiled is not None:
        save(path, spoiled.astype(np.uint8))
    with pytest.raises(error, match=message):
        check()


def test_missing_ones_may_be_background(with_exact: DatasetSettings, make_settings: Any) -> None:
    root = Path(with_exact.root)
    (root / "masks_exact/b.png").unlink()
    lenient = {"exact": {"folder": "masks_exact", "missing": "background"}}
    assert not open_dataset(make_settings(other_masks=lenient)).read_mask("b", labels="exact").any()


def test_a_folder_that_is_not_there_is_named(make_folder: Any) -> None:
    with pytest.raises(MissingFileError, match=r"nowhere' does not exist; mend `other_masks\.x\.folder`"):
        open_dataset(make_folder({"a": OWN}, other_masks={"x": "nowhere"}))


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"x": {}}, "say where the masks of 'x' are: give it a 'folder' or a 'column'"),
        ({"x": 3}, "give 'x' a folder, or keys as under 'masks'"),
        ({"a/b": "m"}, "names of labels become folders"),
        ({"x": "masks"}, r"other_masks\.x reads the same files as masks"),
        ({"x": "m", "y": "m"}, r"other_masks\.y reads the same files as other_masks\.x"),
        ({"x": {"column": "c"}}, r"other_masks\.x\.column is given, but no 'samples' table"),
        ({"x": {"folder": "m", "ignore": 1}}, r"other_masks\.x\.ignore is 1, which is also the value"),
        ({"x": {"folder": "m", "kind": "rgb"}}, r"other_masks\.x\.kind is 'rgb', but these classes have no"),
        (["m"], "other_masks: Input should be a valid dictionary"),
    ],
)
def test_mistakes_name_the_set_and_the_cure(others: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_settings(DatasetSettings, {**DATASET, "other_masks": others}, where="dataset.yaml")


def test_what_is_left_out_is_as_in_masks() -> None:
    masks = {"kind": "indexed", "suffix": "_m", "ignore": 9, "folder": "own"}
    value = {
        **DATASET,
        "masks": masks,
        "other_masks": {"x": "there", "y": {"folder": "there", "suffix": "_y", "ignore": None}},
    }
    settings = parse_settings(DatasetSettings, value, where="dataset.yaml")
    x, y = settings.other_masks.values()
    assert (x.folder, x.suffix, x.ignore) == ("there", "_m", 9)
    assert (y.folder, y.suffix, y.ignore) == ("there", "_y", None)


def test_foils_come_with_exact_labels(tmp_path: Path) -> None:
    path = write_foil_dataset(tmp_path, num_images=1, size=(256, 256))
    source = open_dataset(load_dataset_settings(path))
    own, exact = source.read_mask("foil_000"), source.read_mask("foil_000", labels="exact")
    assert source.other_labels == ("exact",)
    assert own.shape == exact.shape and (own != exact).any()
