"""Depthwise convolutions give what torch's own give, in and out of autocast, and so do their gradients."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from rareseg.models.library.depthwise_conv import DepthwiseConv


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 1), (5, 2)])
@pytest.mark.parametrize("mixed", [False, True], ids=["float32", "bfloat16"])
def test_as_torch_does_it(kernel: int, stride: int, mixed: bool) -> None:
    torch.manual_seed(0)
    padding = kernel // 2
    ours = DepthwiseConv(6, kernel=kernel, stride=stride, padding=padding)
    plain = nn.Conv2d(6, 6, kernel, stride, padding, groups=6, bias=False)
    plain.load_state_dict(ours.state_dict())
    pixels = torch.randn(2, 6, 16, 24).bfloat16().float()
    found = []
    for layer in (ours, plain):
        given = pixels.clone().requires_grad_()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=mixed):
            maps = layer(given.bfloat16() if mixed else given)
        maps.float().square().sum().backward()
        assert layer.weight.grad is not None and given.grad is not None
        assert maps.dtype == (torch.bfloat16 if mixed else torch.float32)
        found.append((maps.float(), layer.weight.grad, given.grad))
    for one, other in zip(*found, strict=True):
        assert one.shape == other.shape
        torch.testing.assert_close(
            one, other, rtol=0.02 if mixed else 1e-5, atol=0.02 * other.abs().max().item()
        )


def test_without_gradients_autocast_is_left_alone() -> None:
    layer = DepthwiseConv(4, kernel=5, padding=2)
    pixels = torch.randn(1, 4, 8, 8)
    plain = nn.Conv2d(4, 4, 5, 1, 2, groups=4, bias=False)
    plain.load_state_dict(layer.state_dict())
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(layer(pixels), plain(pixels))
