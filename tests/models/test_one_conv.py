from __future__ import annotations

import pytest
import torch
from torch import nn

from measured_reach import measured_reach
from rareseg.errors import ConfigError
from rareseg.models.build import build_model
from rareseg.models.cost import cost_table
from rareseg.models.one_conv import OneConv


def test_it_is_a_single_convolution() -> None:
    model = OneConv(2, 4)
    image = torch.randn(1, 2, 5, 7)
    expected = nn.functional.conv2d(image, model.head.weight, model.head.bias, padding=1)
    assert torch.equal(model(image), expected)


@pytest.mark.parametrize("kernel_size", [1, 3, 7])
def test_the_receptive_radius_is_reached_and_never_passed(kernel_size: int) -> None:
    model = OneConv(1, 1, kernel_size=kernel_size)
    assert measured_reach(model) == model.receptive_radius == kernel_size // 2


def test_its_cost_worked_out_by_hand() -> None:
    (row,) = cost_table(OneConv(3, 5), (16, 3, 100, 40))
    assert (row.parameters, row.macs) == (3 * 9 * 5 + 5, 100 * 40 * 5 * 27)
    assert row.activation_bytes == 16 * 5 * 100 * 40 * 4


def test_an_even_window_has_no_middle() -> None:
    with pytest.raises(ConfigError, match="kernel_size should be odd, so that the window has a middle pixel"):
        build_model({"name": "one_conv", "kernel_size": 4}, in_channels=1, num_classes=2)
