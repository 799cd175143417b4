from __future__ import annotations

import pytest
import torch
from torch import nn

from rareseg.models.norm import build_norm


@pytest.mark.parametrize(
    ("channels", "groups"), [(1, 1), (2, 1), (3, 1), (4, 2), (5, 1), (8, 4), (12, 6), (32, 8), (40, 8)]
)
def test_up_to_eight_groups_of_two_channels_or_more(channels: int, groups: int) -> None:
    norm = build_norm("group", channels)
    assert isinstance(norm, nn.GroupNorm)
    assert norm.num_groups == groups
    pixels = 1 if channels > 1 else 2
    assert norm(torch.randn(1, channels, pixels, pixels)).isfinite().all()


def test_options_reach_the_layer() -> None:
    batch = build_norm("batch", 6, momentum=0.3, eps=0.01)
    assert isinstance(batch, nn.BatchNorm2d)
    assert (batch.momentum, batch.eps) == (0.3, 0.01)
    assert build_norm("group", 6, eps=0.01).eps == 0.01
