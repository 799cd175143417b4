from __future__ import annotations

import pytest
import torch

from rareseg.errors import DataError
from rareseg.losses.inputs import LossInputs


def test_shared_values_are_computed_once() -> None:
    inputs = LossInputs(torch.randn(1, 2, 3, 3), torch.zeros(1, 3, 3, dtype=torch.uint8))
    assert inputs.log_probs is inputs.log_probs
    assert inputs.nll is inputs.nll
    assert inputs.target.dtype == torch.int64


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_sixteen_bits_are_widened(dtype: torch.dtype, expected: torch.dtype) -> None:
    inputs = LossInputs(torch.zeros(1, 2, 1, 1, dtype=dtype), torch.zeros(1, 1, 1, dtype=torch.long))
    assert inputs.logits.dtype == expected


def test_ignored_pixels_do_not_count() -> None:
    inputs = LossInputs(torch.zeros(1, 2, 1, 3), torch.tensor([[[0, 255, 1]]]))
    assert inputs.num_valid == 2
    assert inputs.valid.tolist() == [[[True, False, True]]]
    assert inputs.nll[0, 0, 1] == 0


@pytest.mark.usefixtures("shapes_unchecked")
def test_shapes_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(DataError, match=r"but got \(1, 2, 3, 3\) and \(1, 3, 4\)"):
        LossInputs(torch.zeros(1, 2, 3, 3), torch.zeros(1, 3, 4, dtype=torch.long))
    with pytest.raises(DataError, match="Give the target as class indices"):
        LossInputs(torch.zeros(1, 2, 3, 3), torch.zeros(1, 2, 3, 3, dtype=torch.long))


@pytest.mark.usefixtures("shapes_unchecked")
def test_targets_that_are_no_indices_are_refused() -> None:
    with pytest.raises(DataError, match=r"Expected a target of whole numbers, but got torch\.float32"):
        LossInputs(torch.zeros(1, 2, 3, 3), torch.zeros(1, 3, 3))
