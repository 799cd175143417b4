from __future__ import annotations

import colorsys
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rareseg.config.dataset import DatasetSettings
from rareseg.data.labels import ClassTable, encode_binary, encode_colors, encode_mask, encode_values
from rareseg.data.palette import fill_colors
from rareseg.errors import UnknownLabelError


def table_of(**changes: object) -> ClassTable:
    values = {"names": ("good", "scratch", "hole"), "values": (0, 7, 300), "colors": fill_colors([None] * 3)}
    return ClassTable(**{**values, **changes})  # type: ignore[arg-type]


@given(
    st.lists(st.sampled_from([0, 7, 300, 255]), min_size=12, max_size=12),
    st.sampled_from([np.uint16, np.int32, np.int64, np.float32]),
)
def test_values_become_positions_in_the_table(values: list[int], dtype: type) -> None:
    raw = np.array(values, dtype).reshape(3, 4)
    expected = [{0: 0, 7: 1, 300: 2, 255: 255}[value] for value in values]
    found = encode_values(raw, table_of(), "a.png")
    assert found.dtype == np.uint8
    assert found.ravel().tolist() == expected


def test_bytes_take_the_same_way_and_the_result_can_be_written() -> None:
    found = encode_values(np.array([[7, 0, 255]], np.uint8), table_of(), "a.png")
    assert found.tolist() == [[1, 0, 255]]
    found[0, 0] = 2


def test_an_unknown_value_is_named_with_its_place() -> None:
    raw = np.zeros((50, 60), np.uint8)
    raw[12, 40] = raw[13, 2] = 6
    text = (
        r"'b_017.png' holds the value 6 at \(row 12, col 40\).*set masks.ignore: 6. Known: 0 good, 7 scratch"
    )
    with pytest.raises(UnknownLabelError, match=text):
        encode_values(raw, table_of(), "b_017.png")


def test_255_is_unknown_where_nothing_is_ignored() -> None:
    with pytest.raises(UnknownLabelError, match=r"holds the value 255 at \(row 0, col 1\)"):
        encode_values(np.array([[0, 255]], np.uint8), table_of(ignore=None), "a.png")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [(np.array([[0.0, 0.5]]), "0.5"), (np.array([[0, -3]]), "-3"), (np.array([[0, 70000]]), "70000")],
)
def test_numbers_that_are_no_labels_are_named(raw: np.ndarray, shown: str) -> None:
    with pytest.raises(
        UnknownLabelError, match=rf"whole numbers from 0 to 65535, but holds {shown} at \(row 0, col 1\)"
    ):
        encode_values(raw, table_of(), "a.png")


def test_255_classes_use_every_index_but_the_ignored_one() -> None:
    table = ClassTable.from_names([f"c{number}" for number in range(255)])
    raw = np.arange(256, dtype=np.uint8)[None]
    assert encode_values(raw, table, "a.png").tolist() == raw.tolist()
    shifted = ClassTable(table.names, tuple(range(1, 256)), table.colors, ignore=None)
    assert encode_values(raw[:, 1:], shifted, "a.png").tolist() == raw[:, :-1].tolist()
    with pytest.raises(UnknownLabelError, match="holds the value 0 at"):
        encode_values(raw, shifted, "a.png")


RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


@given(st.lists(st.sampled_from([0, 1, 255]), min_size=6, max_size=6), st.integers(3, 4))
def test_colours_become_positions_and_alpha_is_not_looked_at(labels: list[int], channels: int) -> None:
    table = ClassTable(("a", "b"), (0, 1), (RED, BLUE), ignore=WHITE, kind="rgb")
    paint = {0: RED, 1: BLUE, 255: WHITE}
    raw = np.array([[*paint[label], 77][:channels] for label in labels], np.uint8).reshape(2, 3, channels)
    assert encode_colors(raw, table, "a.png").ravel().tolist() == labels


def test_an_unknown_colour_is_named_with_its_place() -> None:
    table = ClassTable(("a", "b"), (0, 1), (RED, BLUE), ignore=None, kind="rgb")
    raw = np.full((4, 5, 3), RED, np.uint8)
    raw[3, 1] = (1, 254, 16)
    text = r"'m.png' holds the colour #01fe10 at \(row 3, col 1\).*Known: #ff0000 a, #0000ff b"
    with pytest.raises(UnknownLabelError, match=text):
        encode_mask(raw, table, "m.png")


def test_grey_files_can_hold_the_colours_black_and_white() -> None:
    table = ClassTable(("a", "b"), (0, 1), ((0, 0, 0), WHITE), ignore=None, kind="rgb")
    assert encode_mask(np.array([[0, 255]], np.uint8), table, "a.png").tolist() == [[0, 1]]
    assert encode_mask(np.array([[False, True]]), table, "a.png").tolist() == [[0, 1]]
    with pytest.raises(UnknownLabelError, match="8-bit colours, but holds uint16"):
        encode_mask(np.zeros((1, 1, 3), np.uint16), table, "a.png")


def test_a_threshold_parts_grey_masks_and_255_is_foreground() -> None:
    table = ClassTable(("a", "b"), (0, 1), (RED, BLUE), kind="binary")
    assert encode_mask(np.array([[0, 127, 128, 255]], np.uint8), table, "a.png").tolist() == [[0, 0, 1, 1]]
    assert encode_binary(np.array([[False, True]]), table, "a.png").tolist() == [[0, 1]]
    ignoring = ClassTable(("a", "b"), (0, 1), (RED, BLUE), kind="binary", ignore=64, threshold=0)
    assert encode_mask(np.array([[0, 64, 1]], np.uint8), ignoring, "a.png").tolist() == [[0, 255, 1]]


def test_grey_saved_as_rgb_is_read_as_grey_and_real_colours_are_refused() -> None:
    table = table_of(values=(0, 1, 2))
    raw = np.repeat(np.array([[0, 1], [2, 255]], np.uint8)[..., None], 3, axis=2)
    assert encode_mask(raw, table, "a.png").tolist() == [[0, 1], [2, 255]]
    raw[1, 0] = (128, 0, 0)
    with pytest.raises(
        UnknownLabelError, match=r"colour \(128, 0, 0\) at \(row 1, col 0\). Set masks.kind: rgb"
    ):
        encode_mask(raw, table, "a.png")


def test_settings_give_values_colours_and_kind() -> None:
    settings = DatasetSettings.model_validate(
        {
            "name": "x",
            "masks": {"kind": "indexed", "ignore": 9},
            "classes": [{"name": "a", "value": 4}, {"name": "b", "color": "#0000ff", "value": 2}],
        }
    )
    table = ClassTable.from_settings(settings)
    assert (table.values, table.ignore, table.kind, table.num_classes) == ((4, 2), 9, "indexed", 2)
    assert table.colors[1] == BLUE
    palette = table.palette()
    assert len(palette) == 768
    assert tuple(palette[3:6]) == BLUE
    assert tuple(palette[765:]) == (128, 128, 128)


@given(
    st.lists(st.none() | st.sampled_from([(213, 94, 0), (232, 232, 232), (1, 2, 3)]), min_size=1, max_size=60)
)
def test_filled_colours_keep_what_is_given_and_never_repeat(
    given_colors: list[tuple[int, int, int] | None],
) -> None:
    filled = fill_colors(given_colors)
    named = [color for color in given_colors if color is not None]
    assert all(old is None or old == new for old, new in zip(given_colors, filled, strict=True))
    assert len(set(filled)) == len(filled) - (len(named) - len(set(named)))


def test_the_first_colours_differ_in_lightness_or_hue_also_without_red_and_green() -> None:
    """A deuteranope sees about (red + green) / 2 and blue; no two of the first eight may meet there."""
    seen = [np.array([(red + green) / 2, blue]) for red, green, blue in fill_colors([None] * 8)]
    distances = [np.abs(a - b).max() for i, a in enumerate(seen) for b in seen[:i]]
    assert min(distances) > 12
    assert colorsys.rgb_to_hsv(*(c / 255 for c in fill_colors([None])[0]))[1] == 0


def test_looking_up_takes_milliseconds_a_megapixel() -> None:
    raw = np.random.default_rng(0).integers(0, 3, (1000, 1000), dtype=np.uint8)
    table = table_of(values=(0, 1, 2))
    encode_values(raw, table, "a.png")
    start = time.process_time()
    for _ in range(5):
        encode_values(raw, table, "a.png")
    assert (time.process_time() - start) / 5 < 0.05
