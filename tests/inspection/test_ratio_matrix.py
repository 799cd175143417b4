from pathlib import Path

import numpy as np
import pytest

from rareseg.artefacts import read_csv
from rareseg.inspection.ratio_matrix import ratio_matrix

# Table 3.2 as printed, but for one slip: blade trail to background is printed 1:82, while the pixel counts of
# Table 3.1 give 752734 : 61341642 = 1 : 81.49.
TABLE_3_2 = {
    ("agglomeration", "cavity"): "39:1",
    ("agglomeration", "crack"): "3:1",
    ("agglomeration", "blade_trail"): "2:1",
    ("agglomeration", "background"): "1:40",
    ("cavity", "crack"): "1:14",
    ("cavity", "blade_trail"): "1:19",
    ("cavity", "background"): "1:1571",
    ("crack", "blade_trail"): "3:4",
    ("crack", "background"): "1:111",
    ("blade_trail", "background"): "1:81",
}


def test_table_3_2(reference_tables: Path) -> None:
    pixels = {
        r["class"]: int(r["train_pixels"]) for r in read_csv(reference_tables / "foil_thesis_pixels.csv")
    }
    names = list(pixels)
    matrix = ratio_matrix(list(pixels.values()))
    printed = {pair: matrix.text[names.index(pair[0])][names.index(pair[1])] for pair in TABLE_3_2}
    assert printed == TABLE_3_2
    defects = sum(pixels.values()) - pixels["background"]
    assert ratio_matrix([defects, pixels["background"]]).text[0][1] == "1:21"


def test_values_are_the_column_over_the_row() -> None:
    matrix = ratio_matrix([300, 100, 0])
    assert matrix.values[0, 1] == pytest.approx(1 / 3)
    assert matrix.values[1, 0] == 3
    assert matrix.values[2, 0] == np.inf
    assert matrix.values[0, 2] == 0
    assert np.isnan(matrix.values[2, 2])
    assert matrix.text[2] == ("", "", "")


@pytest.mark.parametrize(
    ("a", "b", "text"), [(2, 1, "2:1"), (3, 2, "3:2"), (4, 3, "4:3"), (100, 99, "1:1"), (1, 1999, "1:1999")]
)
def test_how_ratios_are_written(a: int, b: int, text: str) -> None:
    small, large = text.split(":")
    assert ratio_matrix([a, b]).text[0][1] == text
    assert ratio_matrix([a, b]).text[1][0] == f"{large}:{small}"
