from __future__ import annotations

import math

import pytest
import torch

from rareseg.training.gate_loss import GateLoss


def masks() -> torch.Tensor:
    """A blank patch, one with a defect pixel, one that is ignored throughout, one blank but for ignored pixels."""
    found = torch.zeros(4, 3, 3, dtype=torch.uint8)
    found[1, 0, 2] = 3
    found[2] = 255
    found[3, 1] = 255
    return found


def test_value_and_gradient_by_hand() -> None:
    logits = torch.zeros(4, 1, requires_grad=True)
    value = GateLoss()(logits, masks())
    value.total.backward()
    assert float(value.total.detach()) == pytest.approx(math.log(2))
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad[:, 0], torch.tensor([0.5, -0.5, 0.0, 0.5]) / 3)


def test_nothing_labelled_costs_nothing() -> None:
    logits = torch.ones(1, 1, dtype=torch.bfloat16, requires_grad=True)
    total = GateLoss()(logits, masks()[2:3]).total
    total.backward()
    assert total == 0
    assert logits.grad is not None
    assert torch.count_nonzero(logits.grad) == 0
