from __future__ import annotations

import pytest
import torch
from torch import nn

from rareseg.models.residual_block import ResidualBlock


@pytest.mark.parametrize("channels", [4, 6])
def test_a_block_adds_the_shortcut_before_its_last_relu(channels: int) -> None:
    torch.manual_seed(0)
    block = ResidualBlock(4, channels).eval()
    image = torch.randn(1, 4, 5, 5)
    scale = (1 + 1e-3) ** -0.5  # fresh batch norm
    body = nn.functional.conv2d(image, block.body[0].weight, padding=1).mul(scale).relu()
    body = nn.functional.conv2d(body, block.body[3].weight, padding=1).mul(scale)
    shortcut = image
    if channels != 4:
        shortcut = nn.functional.conv2d(image, block.shortcut[0].weight).mul(scale)
    torch.testing.assert_close(block(image), (shortcut + body).relu())


def test_the_shortcut_of_equal_channels_learns_nothing() -> None:
    assert not list(ResidualBlock(4, 4).shortcut.parameters())
    norms = [m for m in ResidualBlock(4, 8, norm="group").modules() if isinstance(m, nn.GroupNorm)]
    assert len(norms) == 3
