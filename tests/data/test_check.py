from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rareseg.config.dataset import SplitSettings
from rareseg.data.check import check_dataset
from rareseg.data.class_pixels import count_class_pixels
from rareseg.data.open_dataset import open_dataset
from rareseg.data.splits import Splits, TrainSplit, ValSplit, make_splits
from rareseg.errors import (
    DataError,
    MissingFileError,
    RaresegError,
    SizeMismatchError,
    SplitError,
    UnknownLabelError,
    UnreadableFileError,
)
from rareseg.types import Region, Window

MASK = np.array([[0, 1, 255, 0]] * 6, np.uint8)


@pytest.fixture
def checked(make_folder: Any) -> Callable[..., dict[Region, Any]]:
    """Check a folder of six images, cut by rows, after ``spoil`` has had its way with it."""

    def check(spoil: Callable[[], object] = lambda: None, **changes: Any) -> dict[Region, Any]:
        settings = make_folder({f"s{number}": MASK for number in range(6)}, **changes)
        spoil()
        source = open_dataset(settings)
        return check_dataset(source, make_splits(source, SplitSettings(kind="region", val_share=0.5)))

    return check


def test_every_region_is_counted(checked: Any) -> None:
    counts = checked()
    assert len(counts) == 12
    assert {tuple(value.tolist()) for value in counts.values()} == {(6, 3, 3)}
    assert Region("s3", Window(3, 0, 3, 4)) in counts


def test_progress_counts_samples(make_folder: Any) -> None:
    source = open_dataset(make_folder({"a": MASK, "b": MASK}))
    seen: list[tuple[int, int]] = []
    check_dataset(
        source, make_splits(source, SplitSettings(kind="region")), progress=lambda *n: seen.append(n)
    )
    assert seen == [(1, 2), (2, 2)]


def test_a_missing_mask(checked: Any, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"images/s4\.png' has no mask"):
        checked(lambda: (tmp_path / "masks/s4.png").unlink())


def test_a_mask_of_another_size(checked: Any, save: Any, tmp_path: Path) -> None:
    with pytest.raises(SizeMismatchError, match=r"masks/s2\.png' is 5 x 4 pixels"):
        checked(lambda: save(tmp_path / "masks/s2.png", MASK[:5]))


def test_an_unknown_value(checked: Any, save: Any, tmp_path: Path) -> None:
    with pytest.raises(UnknownLabelError, match=r"masks/s1\.png' holds the value 2 at \(row 0, col 1\)"):
        checked(lambda: save(tmp_path / "masks/s1.png", np.where(MASK == 1, 2, MASK).astype(np.uint8)))


def test_a_truncated_image(checked: Any, tmp_path: Path) -> None:
    path = tmp_path / "images/s5.png"
    with pytest.raises(UnreadableFileError, match=r"images/s5\.png' cannot be decoded"):
        checked(lambda: path.write_bytes(path.read_bytes()[:60]))


def test_an_image_with_other_bands(checked: Any, save: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"images/s3\.png' has 3 bands of uint8, but '.*s0\.png' has 1"):
        checked(lambda: save(tmp_path / "images/s3.png", np.zeros((6, 4, 3), np.uint8)))


def test_the_first_mistake_is_the_one_that_shows(checked: Any, tmp_path: Path) -> None:
    def spoil() -> None:
        for name in ("s5", "s1", "s3"):
            (tmp_path / f"masks/{name}.png").write_bytes(b"broken")

    for _ in range(3):
        with pytest.raises(RaresegError, match=r"s1\.png"):
            checked(spoil)


def test_a_class_without_training_pixels(make_folder: Any) -> None:
    classes = [{"name": name} for name in ("good", "bad", "hole", "dent")]
    source = open_dataset(make_folder({"a": MASK, "b": np.full((6, 4), 2)}, classes=classes))
    splits = Splits(
        TrainSplit((Region("a", Window(0, 0, 6, 4)),)), ValSplit((Region("b", Window(0, 0, 6, 4)),))
    )
    with pytest.raises(SplitError, match="The classes 'hole', 'dent' have no pixel in the training part"):
        check_dataset(source, splits)


def test_dark_binary_masks_point_to_the_threshold(make_folder: Any) -> None:
    source = open_dataset(make_folder({"a": MASK % 2, "b": MASK % 2}, masks={"kind": "binary"}))
    with pytest.raises(SplitError, match=r"class 'bad' has no pixel.*lower masks\.threshold \(now 127\)"):
        check_dataset(source, make_splits(source, SplitSettings(kind="region")))


def test_an_empty_part(make_folder: Any) -> None:
    source = open_dataset(make_folder({"a": MASK}))
    with pytest.raises(SplitError, match="The part 'val' of the split is empty"):
        check_dataset(source, Splits(TrainSplit((Region("a", Window(0, 0, 6, 4)),)), ValSplit(())))


@pytest.mark.parametrize("num_classes", [2, 12, 13, 255])
def test_counting_equals_a_histogram(num_classes: int) -> None:
    generator = np.random.default_rng(num_classes)
    mask = generator.integers(0, num_classes, (30, 40)).astype(np.uint8)
    mask[generator.random((30, 40)) < 0.2] = 255
    expected = [int((mask == value).sum()) for value in [*range(num_classes), 255]]
    assert count_class_pixels(mask, num_classes).tolist() == expected
