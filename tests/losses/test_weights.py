from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from rareseg.errors import ConfigError, DataError, OptionError, UnknownNameError
from rareseg.losses.weights import WEIGHT_SCHEMES, binary_weights, class_weights

FOIL_PIXELS = [61_341_642, 1_532_701, 39_040, 550_683, 752_734]


@pytest.fixture
def printed(reference_tables: Path) -> list[dict[str, str]]:
    with (reference_tables / "foil_thesis_pixels.csv").open() as file:
        return list(csv.DictReader(file))


def test_table_3_6(printed: list[dict[str, str]]) -> None:
    pixels = [int(row["train_pixels"]) for row in printed]
    assert pixels == FOIL_PIXELS
    icf, iscf = class_weights(pixels, "icf"), class_weights(pixels, "iscf")
    for row, ours_icf, ours_iscf in zip(printed, icf, iscf, strict=True):
        expected_icf = 4.352 if row["class"] == "cavity" else float(row["icf_alpha"])  # printed 4.355
        assert ours_icf == pytest.approx(expected_icf, abs=5e-4)
        assert ours_iscf == pytest.approx(float(row["iscf_alpha"]), abs=5e-4)
    assert icf.sum() == pytest.approx(5)
    assert iscf.sum() == pytest.approx(5)


def test_table_3_7(printed: list[dict[str, str]]) -> None:
    ours = binary_weights([int(row["train_pixels"]) for row in printed], "iscf")
    printed_in = {"cavity": "crack", "crack": "cavity"}  # the document has the two in each other's row
    by_class = {row["class"]: row for row in printed}
    for row, (negative, positive) in list(zip(printed, ours, strict=True))[1:]:
        source = by_class[printed_in.get(row["class"], row["class"])]
        assert negative == pytest.approx(float(source["binary_negative_alpha"]), abs=5e-4)
        assert positive == pytest.approx(float(source["binary_positive_alpha"]), abs=5e-4)


def test_hand_worked_schemes() -> None:
    np.testing.assert_allclose(class_weights([8, 2], "icf"), [0.4, 1.6])
    np.testing.assert_allclose(class_weights([9, 1], "iscf"), [0.5, 1.5])
    np.testing.assert_allclose(class_weights([100, 20, 5], "median_frequency"), [0.2, 1.0, 4.0])
    np.testing.assert_array_equal(class_weights([5, 5, 5], "focal_paper"), [0.25, 0.75, 0.75])
    np.testing.assert_array_equal(class_weights([5, 0], "none"), [1.0, 1.0])
    np.testing.assert_array_equal(class_weights([5, 0], [0.5, 4]), [0.5, 4.0])


def test_effective_number_lies_between_inverse_frequency_and_none() -> None:
    few = class_weights([900, 100], "effective_number")
    np.testing.assert_allclose(few, class_weights([900, 100], "icf"), rtol=1e-3)
    many = class_weights([10**9, 10**8], "effective_number")
    np.testing.assert_allclose(many, [1.0, 1.0])


def test_effective_number_by_the_formula() -> None:
    beta = 0.999999
    raw = [(1 - beta) / (1 - beta**count) for count in (2_000_000, 30_000)]
    expected = [2 * value / sum(raw) for value in raw]
    np.testing.assert_allclose(class_weights([2_000_000, 30_000], "effective_number"), expected, rtol=1e-6)


def test_a_cap_cuts_the_largest_and_leaves_the_others() -> None:
    plain, capped = class_weights(FOIL_PIXELS, "icf"), class_weights(FOIL_PIXELS, "icf", cap=2.0)
    assert capped[2] == 2.0
    np.testing.assert_array_equal(np.delete(capped, 2), np.delete(plain, 2))


def test_binary_rows_sum_to_one_in_every_scheme() -> None:
    for scheme in WEIGHT_SCHEMES:
        rows = binary_weights(FOIL_PIXELS, scheme)
        assert rows.shape == (5, 2)
        np.testing.assert_allclose(rows.sum(axis=1), 2.0 if scheme == "none" else 1.0)


@pytest.mark.parametrize("scheme", ["icf", "iscf", "effective_number", "median_frequency"])
def test_a_class_without_pixels_is_refused(scheme: str) -> None:
    for weigh in (class_weights, binary_weights):
        with pytest.raises(
            DataError, match=f"Weights by '{scheme}' need pixels of every class, but class 'crack' has none"
        ):
            weigh([10, 0], scheme, class_names=["background", "crack"])
    with pytest.raises(DataError, match=r"but class 1 has none for training\. Give it training images"):
        class_weights([10, 0], scheme)


def test_one_class_has_no_binary_weights() -> None:
    with pytest.raises(DataError, match="Binary weights need at least two classes, but got one"):
        binary_weights([10], "icf")


def test_wrong_options_are_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"no weight scheme named 'isf'\. Did you mean 'iscf'"):
        class_weights([1, 2], "isf")
    with pytest.raises(ConfigError, match="Expected one weight for each of 2 classes, but got 3"):
        class_weights([1, 2], [1, 2, 3])
    for wrong in ([1, -1], [1, float("nan")], [1, float("inf")], [0, 0]):
        with pytest.raises(ConfigError, match="Expected finite weights of at least 0, not all 0, but got"):
            class_weights([1, 2], wrong)
    with pytest.raises(OptionError, match="'cap' has no effect on scheme 'none'"):
        class_weights([1, 2], "none", cap=2.0)
    with pytest.raises(ConfigError, match=r"Expected a cap above 0, but got 0\.0"):
        class_weights([1, 2], "icf", cap=0.0)
