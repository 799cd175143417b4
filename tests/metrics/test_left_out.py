"""Images that figures leave out: found by their labels and by their names."""

from __future__ import annotations

import numpy as np
import pytest

from rareseg.errors import OptionError
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.left_out import find_left_out

NAMES = ("good", "crack", "hole")
WITH_CRACK = [[80, 0, 5, 15], [10, 5, 5, 80], [0, 0, 0, 100]]
BLANK = [[90, 0, 10, 0], [0, 10, 0, 90], [0, 0, 0, 100]]
"""Nothing but background, on which a crack was predicted."""
MISSED_HOLE = [[98, 2, 0, 0], [0, 0, 0, 100], [0, 0, 2, 98]]


def table_of(images: dict[tuple[str, str], list[list[int]]], step: int = 1) -> CountsTable:
    table = CountsTable()
    for (split, image), counts in images.items():
        table.append(
            step=step, split=split, image=image, group="", counts=np.array(counts), class_names=NAMES
        )
    return table


TABLE = table_of(
    {
        ("val", "a"): BLANK,
        ("val", "b"): WITH_CRACK,
        ("test", "a"): WITH_CRACK,
        ("test", "c"): BLANK,
        ("test", "d"): MISSED_HOLE,
    }
)


def test_blank_images_are_those_without_support_of_a_rare_class() -> None:
    """False alarms do not make an image less blank, and a missed hole makes it not blank; each split for itself."""
    found = find_left_out([TABLE], background="good", blank=True)
    assert found.blank == {("val", "a"), ("test", "c")}
    assert (found.num("val"), found.num("test")) == (1, 1)


def test_named_images_are_left_out_of_every_split() -> None:
    found = find_left_out([TABLE], background="good", names=["a", "d"])
    assert found.named == {("val", "a"), ("test", "a"), ("test", "d")}
    assert not found.blank
    both = find_left_out([TABLE], background="good", blank=True, names=["a"])
    assert both.num("val") == 1, "blank and named counts once"


def test_the_background_is_named_not_guessed() -> None:
    assert ("test", "d") not in find_left_out([TABLE], background="crack", blank=True, names=[]).blank
    holes = table_of({("test", "x"): MISSED_HOLE, ("test", "y"): WITH_CRACK})
    assert find_left_out([holes], background="hole", blank=True).blank == set()


def test_rows_of_left_out_images_go() -> None:
    kept = TABLE.without({("val", "a"), ("test", "c")})
    pairs = set(zip(kept["split"].tolist(), kept["image"].tolist(), strict=True))
    assert pairs == {("val", "b"), ("test", "a"), ("test", "d")}
    assert kept.select(split="test").pooled()["crack"].tolist() == [10, 5, 5, 180]
    assert len(TABLE) == 15 and len(kept) == 9
    assert TABLE.without(set()) is TABLE


def test_mistakes_are_told_with_the_cure() -> None:
    with pytest.raises(OptionError, match=r"image 'bb', which was not judged\. Did you mean 'b'"):
        find_left_out([TABLE], background="good", names=["bb"])
    with pytest.raises(OptionError, match="leaves out all 2 images of val"):
        find_left_out([TABLE], background="good", blank=True, names=["b"])
