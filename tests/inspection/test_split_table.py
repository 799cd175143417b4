import numpy as np
import pytest

from rareseg.data.splits import Splits, TrainSplit, ValSplit
from rareseg.inspection.split_table import split_table
from rareseg.types import Region, Window


def test_two_parts_by_hand(make_source, split) -> None:
    masks = {name: np.zeros((1, 10), np.uint8) for name in "abc"}
    source = make_source(masks, groups={"a": "g", "b": "g"})
    splits = split(source, ["a", "b"], ["c"])
    counts = dict(
        zip(
            (*splits.train.regions, *splits.val.regions),
            (np.array([8, 2, 0]), np.array([10, 0, 0]), np.array([5, 3, 1])),
            strict=True,
        )
    )
    table = split_table(source, splits, counts)
    train, val = table["train"], table["val"]
    assert list(table) == ["train", "val"]
    assert (train["num_images"], train["num_groups"], train["groups"], train["megapixels"]) == (
        2,
        1,
        ["g"],
        2e-5,
    )
    assert train["class_pixels"] == {"background": 18, "crack": 2, "cavity": 0}
    assert train["class_images"] == {"background": 2, "crack": 1, "cavity": 0}
    assert (train["blank_images"], val["blank_images"]) == (1, 0)
    assert train["class_groups"] == {"background": 1, "crack": 1, "cavity": 0}
    assert val["unlabelled"] == pytest.approx(0.1)
    assert val["shares"]["crack"] == pytest.approx(1 / 3)
    assert val["drift"]["ratio"] == {
        "background": pytest.approx(5 / 9 / 0.9),
        "crack": pytest.approx(10 / 3),
        "cavity": None,
    }
    assert val["drift"]["total_variation"] == pytest.approx(0.9 - 5 / 9)
    assert train["drift"]["total_variation"] == 0


def test_regions_of_one_image_count_it_once(make_source) -> None:
    source = make_source({"a": np.zeros((4, 4), np.uint8)})
    top, middle, rest = (Region("a", Window(row, 0, 1, 4)) for row in range(3))
    splits = Splits(TrainSplit((top, middle)), ValSplit((rest,)), None)
    table = split_table(source, splits, {region: np.array([4, 0, 0]) for region in (top, middle, rest)})
    assert (table["train"]["num_images"], table["train"]["num_regions"]) == (1, 2)
    assert table["train"]["class_images"]["background"] == 1
