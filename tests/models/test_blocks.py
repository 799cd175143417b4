from __future__ import annotations

import pytest
import torch
from torch import nn

from rareseg.models.blocks import Add, Concatenate, ConvBlock, Join, Multiply, he_initialise


def test_a_block_is_convolution_norm_relu_twice() -> None:
    block = ConvBlock(2, 3, momentum=0.1, eps=1e-3).eval()
    image = torch.randn(1, 2, 5, 5)
    expected = image
    for convolution, norm in ((block.conv1, block.norm1), (block.conv2, block.norm2)):
        expected = nn.functional.conv2d(expected, convolution.weight, convolution.bias, padding=1)
        mean, variance = norm.running_mean[:, None, None], norm.running_var[:, None, None]
        expected = ((expected - mean) / (variance + 1e-3).sqrt()).clamp_min(0)
    torch.testing.assert_close(block(image), expected)


def test_join_puts_the_skip_first() -> None:
    joined = Join()(torch.zeros(1, 1, 2, 2), torch.ones(1, 2, 2, 2))
    assert joined[0, :, 0, 0].tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("layer", "inputs"),
    [
        (nn.Conv2d(64, 64, 3), 576),
        (nn.Conv2d(64, 64, 3, groups=4, bias=False), 144),
        (nn.ConvTranspose2d(64, 64, 2, stride=2), 64),  # each output is a sum over the channels alone
        (nn.ConvTranspose2d(64, 64, 4, stride=2), 256),
    ],
)
def test_the_variance_is_two_over_the_inputs(layer: nn.Module, inputs: int) -> None:
    torch.manual_seed(0)
    he_initialise(layer)
    assert float(layer.weight.detach().var()) == pytest.approx(2 / inputs, rel=0.05)
    assert layer.bias is None or not layer.bias.any()


def test_a_block_of_group_norm_ends_in_dropout() -> None:
    block = ConvBlock(2, 4, norm="group", dropout=0.5)
    assert [type(layer) for layer in block] == [nn.Conv2d, nn.GroupNorm, nn.ReLU] * 2 + [nn.Dropout]
    assert "dropout" not in dict(ConvBlock(2, 4).named_children())


def test_operators_as_modules() -> None:
    first, second = torch.full((1, 1, 2, 2), 2.0), torch.full((1, 1, 2, 2), 3.0)
    assert torch.equal(Add()(first, second), torch.full((1, 1, 2, 2), 5.0))
    assert torch.equal(Multiply()(first, torch.tensor([[[[10.0]]]])), torch.full((1, 1, 2, 2), 20.0))
    assert Concatenate()(first, second, first)[0, :, 0, 0].tolist() == [2, 3, 2]
