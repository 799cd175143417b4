from __future__ import annotations

import torch
from torch import nn

from rareseg.models.aspp import ASPP


def test_the_branches_stand_side_by_side() -> None:
    torch.manual_seed(0)
    pyramid = ASPP(3, 4, rates=(1, 2), norm="batch").eval()
    maps = torch.randn(1, 3, 6, 7)
    scale = (1 + 1e-3) ** -0.5  # fresh batch norm
    parts = [nn.functional.conv2d(maps, pyramid.branches[0][0].weight)]
    for branch, rate in zip(pyramid.branches[1:], (1, 2), strict=True):
        parts.append(nn.functional.conv2d(maps, branch[0].weight, padding=rate, dilation=rate))
    parts = [part.mul(scale).relu() for part in parts]
    mean = maps.mean(dim=(2, 3), keepdim=True)
    parts.append(
        nn.functional.conv2d(mean, pyramid.mean[1].weight, pyramid.mean[1].bias).relu().expand(1, 4, 6, 7)
    )
    expected = nn.functional.conv2d(torch.cat(parts, 1), pyramid.project[0].weight).mul(scale).relu()
    torch.testing.assert_close(pyramid(maps), expected)


def test_in_a_small_map_a_wide_rate_sees_its_middle_alone() -> None:
    torch.manual_seed(0)
    pyramid = ASPP(2, 2, rates=(18,), norm="group").eval()
    maps = torch.randn(1, 2, 4, 8)
    dilated = pyramid.branches[1][0]
    torch.testing.assert_close(dilated(maps), nn.functional.conv2d(maps, dilated.weight[:, :, 1:2, 1:2]))
