from __future__ import annotations

import torch
from torch import nn

from rareseg.models.pyramid import pyramid


def test_each_block_reads_the_pooled_map_of_the_one_above() -> None:
    image = torch.arange(16.0).view(1, 1, 4, 4)
    blocks = [nn.Identity(), nn.Threshold(6, -1), nn.Identity()]
    maps = pyramid(blocks, nn.MaxPool2d(2), image)
    assert torch.equal(maps[0], image)
    assert maps[1].flatten().tolist() == [-1, 7, 13, 15]
    assert maps[2].flatten().tolist() == [15]
