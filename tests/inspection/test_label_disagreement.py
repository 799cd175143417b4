"""Two sets of labels of the same images, counted by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rareseg.inspection.fingerprint import make_fingerprint
from rareseg.inspection.label_disagreement import label_disagreement
from rareseg.report.inspection_page import write_inspection_page

OWN = np.array([[0, 0, 1, 1], [0, 2, 255, 1]], np.uint8)
OTHER = np.array([[0, 1, 1, 2], [255, 2, 1, 1]], np.uint8)
BLANK = np.zeros((2, 4), np.uint8)


@pytest.fixture
def source(make_source):
    masks = {"a": OWN, "b": OWN, "c": BLANK}
    return make_source(masks, others={"second": {"a": OTHER, "b": OWN, "c": BLANK}})


def test_pixels_are_counted_by_hand(source, split) -> None:
    table = label_disagreement(source, split(source, ["a", "b"], ["c"]))["second"]
    train = table["train"]
    # 'a' without its two ignored pixels: own 0 0 1 1 2 1 against 0 1 1 2 2 1; 'b' agrees on 3, 3 and 1 pixels.
    assert train["pixels"] == 6 + 7
    assert train["confusion"] == [[4, 1, 0], [0, 5, 1], [0, 0, 2]]
    assert train["disagreement"] == pytest.approx(2 / 13)
    background, crack, cavity = train["classes"]
    assert (background["own"], background["other"], background["both"]) == (5, 4, 4)
    assert [row["iou"] for row in train["classes"]] == pytest.approx([4 / 5, 5 / 7, 2 / 3])
    assert [row["taken_for"] for row in (background, crack, cavity)] == ["crack", "cavity", None]
    assert table["val"]["disagreement"] == 0
    assert [row["iou"] for row in table["val"]["classes"]] == [1.0, None, None]


def test_fingerprint_and_page_tell_it(source, split, tmp_path) -> None:
    fingerprint = make_fingerprint(source, split(source, ["a", "b"], ["c"]), name="two", images=False)
    json.dumps(fingerprint, allow_nan=False)
    write_inspection_page(fingerprint, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "Labels side by side" in page
    assert "0.714" in page and 'title="1 px"' in page


def test_without_other_labels_nothing_is_said(make_source, split, tmp_path) -> None:
    alone = make_source({"a": OWN, "b": OWN})
    fingerprint = make_fingerprint(alone, split(alone, ["a"], ["b"]), images=False)
    assert fingerprint["other_labels"] == {}
    write_inspection_page(fingerprint, tmp_path / "page.html")
    assert "Labels side by side" not in (tmp_path / "page.html").read_text()
