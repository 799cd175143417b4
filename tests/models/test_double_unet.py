from __future__ import annotations

import pytest
import torch
from torch import nn

from rareseg.errors import ConfigError
from rareseg.models.build import build_model
from rareseg.models.double_unet import DoubleUNet
from rareseg.models.squeeze_excitation import SqueezeExcitation


def test_every_step_of_one_level() -> None:
    torch.manual_seed(0)
    model = DoubleUNet(2, 3, base_channels=4, depth=1, rates=(1,)).eval()
    image = torch.randn(1, 2, 4, 6)

    def up(maps: torch.Tensor) -> torch.Tensor:
        return maps.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)

    def down(maps: torch.Tensor) -> torch.Tensor:
        return nn.functional.max_pool2d(maps, 2)

    skip_1 = model.first.encoder[0](image)
    decoded_1 = model.first.decoder[0](torch.cat([skip_1, up(model.first.bottom(down(skip_1)))], 1))
    first = model.first_head(decoded_1)
    # Each class's probability times each band, bands of the first class first.
    masked = torch.stack(
        [first[:, k].sigmoid() * image[:, band] for k in range(3) for band in range(2)], dim=1
    )
    skip_2 = model.second.encoder[0](masked)
    bottom_2 = model.second.bottom(down(skip_2))
    second = model.second_head(model.second.decoder[0](torch.cat([skip_1, skip_2, up(bottom_2)], 1)))
    torch.testing.assert_close(model(image), model.head(torch.cat([first, second], 1)))


def test_what_the_document_says_of_the_blocks() -> None:
    model = DoubleUNet(3, 5, base_channels=8)
    assert not [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    for stage in (model.first, model.second):
        assert [block.body[3].out_channels for block, _ in stage.encoder] == [8, 16, 32, 64]
        assert sum(isinstance(m, SqueezeExcitation) for m in stage.modules()) == 4
        assert [branch[0].dilation[0] for branch in stage.bottom.branches] == [1, 6, 12, 18]


def test_an_empty_list_of_rates_is_refused() -> None:
    with pytest.raises(ConfigError, match="rates: Tuple should have at least 1 item"):
        build_model({"name": "double_unet", "rates": []}, in_channels=1, num_classes=2)
