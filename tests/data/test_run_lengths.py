"""Run lengths are exact inverses of masks, and what is wrong with a row is said."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from rareseg.data.run_lengths import (
    decode_run_lengths,
    encode_label_map,
    encode_run_lengths,
    parse_run_lengths,
)
from rareseg.errors import DataError, RaresegError

SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 40))


def runs_one_by_one(mask: NDArray[np.bool_]) -> str:
    """The plain way: pixel after pixel down the columns."""
    words: list[int] = []
    inside = False
    for place, pixel in enumerate(mask.T.ravel().tolist(), start=1):
        if pixel and inside:
            words[-1] += 1
        elif pixel:
            words += [place, 1]
        inside = pixel
    return " ".join(map(str, words))


@given(SHAPES.flatmap(lambda shape: arrays(np.bool_, shape)))
def test_masks_survive_and_equal_the_plain_way(mask: NDArray[np.bool_]) -> None:
    text = encode_run_lengths(mask)
    assert text == runs_one_by_one(mask)
    np.testing.assert_array_equal(decode_run_lengths(text, mask.shape), mask)
    assert encode_run_lengths(np.asfortranarray(mask)) == text


@given(SHAPES.flatmap(lambda shape: arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 2, 3, 255]))))
def test_label_maps_are_their_classes(labels: NDArray[np.uint8]) -> None:
    texts = encode_label_map(labels, 4)
    assert texts == [encode_run_lengths(labels == index) for index in (1, 2, 3)]


@given(st.lists(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=8), max_size=6))
def test_texts_survive(rows: list[list[tuple[int, int]]]) -> None:
    texts = []
    for gaps in rows:
        end, words = 1, []
        for gap, length in gaps:
            words += [end + gap, length]
            end += gap + length
        texts.append(" ".join(map(str, words)))
    runs = parse_run_lengths(texts, str)
    assert [encode_run_lengths(decode_run_lengths(text, (12, 16))) for text in texts] == texts
    assert runs.pixels.tolist() == [sum(length for _, length in gaps) for gaps in rows]
    assert runs.offsets.tolist() == np.cumsum([0, *(len(gaps) for gaps in rows)]).tolist()


@given(st.text(max_size=30) | st.lists(st.integers(-3, 10**20)).map(lambda n: " ".join(map(str, n))))
@settings(max_examples=500)
def test_any_text_parses_or_is_our_own_error(text: str) -> None:
    try:
        mask = decode_run_lengths(text, (5, 7))
    except RaresegError as error:
        assert "\n" not in str(error)
    else:
        numbers = [int(word) for word in text.split()]
        assert mask.sum() == sum(numbers[1::2])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1 2 3", "pairs of start and length, but holds 3 numbers, an odd count"),
        ("1 2 x 4", "whole numbers with spaces between, but holds 'x'"),
        ("1 2.5", "but holds '2.5'"),
        ("\u0661 2", "but holds '\u0661'"),
        ("1\t2", "another white character"),
        ("0 3", "has the start 0, but starts and lengths are 1 or more"),
        ("3 0", "has the length 0"),
        ("3 -2", "has the length -2"),
        ("5 2 1 2", "starts at pixel 1, but the run before it ends at 6"),
        ("1 3 3 1", "starts at pixel 3, but the run before it ends at 3"),
        ("1 99999999999999999999999", "has the length 99999999999999999999999, which is more than any image"),
        ("1" * 5000 + " 1", "more than any image"),
        ("30 7", "holds a run that ends at pixel 36, but the image has 5 x 7 = 35 pixels"),
    ],
)
def test_what_is_wrong_is_said(text: str, reason: str) -> None:
    with pytest.raises(DataError, match=r"'t.csv' line 3 .*mend the row") as caught:
        decode_run_lengths(text, (5, 7), name="'t.csv' line 3")
    assert reason in str(caught.value)


def test_the_first_wrong_row_of_many_is_named() -> None:
    with pytest.raises(DataError, match="row 2 should hold pairs"):
        parse_run_lengths(["1 2", "", "4 5 6", "x"], lambda row: f"row {row}")


def test_runs_of_one_row_may_lie_before_those_of_the_row_above() -> None:
    runs = parse_run_lengths(["", "9 2", "", "1 1 5 5", ""], str)
    assert runs.starts.tolist() == [8, 0, 4]
    assert runs.pixels.tolist() == [0, 2, 0, 6, 0]


def test_real_rows_survive(shared_data: Path) -> None:
    path = shared_data / "severstal_meta" / "pseudo.csv"
    if not path.exists():
        pytest.skip(f"'{path}' is not on this machine")
    with path.open(newline="") as file:
        texts = [row["EncodedPixels"] for row in csv.DictReader(file)]
    filled = [text for text in texts if text]
    assert (len(texts), len(filled)) == (7204, 782)
    runs = parse_run_lengths(texts, str)
    assert (runs.pixels > 0).sum() == 782
    for text in filled:
        assert encode_run_lengths(decode_run_lengths(text, (256, 1600))) == text
