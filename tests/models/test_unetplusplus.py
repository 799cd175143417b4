"""U-Net++ node by node, as equation 1 of arXiv 1807.10165 has it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from measured_reach import measured_reach
from rareseg.models.blocks import ConvBlock
from rareseg.models.residual_block import ResidualBlock
from rareseg.models.unet import UNet
from rareseg.models.unetplusplus import UNetPlusPlus


def test_every_node_reads_what_the_paper_says() -> None:
    torch.manual_seed(0)
    model = UNetPlusPlus(1, 3, base_channels=2, depth=2).eval()
    image = torch.randn(1, 1, 8, 12)
    down = nn.functional.max_pool2d
    x00 = model.encoder[0](image)
    x10 = model.encoder[1](down(x00, 2))
    x20 = model.encoder[2](down(x10, 2))
    x01 = model.nodes["0_1"](torch.cat([x00, model.up["0_1"](x10)], 1))
    x11 = model.nodes["1_1"](torch.cat([x10, model.up["1_1"](x20)], 1))
    x02 = model.nodes["0_2"](torch.cat([x00, x01, model.up["0_2"](x11)], 1))
    torch.testing.assert_close(model(image), model.head(x02))
    assert set(model.nodes) == {"0_1", "1_1", "0_2"}


@pytest.mark.parametrize(("residual", "kind"), [(True, ResidualBlock), (False, ConvBlock)])
def test_blocks(residual: bool, kind: type[nn.Module]) -> None:
    model = UNetPlusPlus(1, 3, base_channels=2, depth=4, residual=residual)
    assert sum(isinstance(module, kind) for module in model.modules()) == 5 + 4 + 3 + 2 + 1


def test_number_of_parameters_of_the_plain_form() -> None:
    """3 x 3 and 2 x 2 convolutions with bias, two numbers a channel of batch norm, a 1 x 1 convolution."""

    def block(incoming: int, out: int) -> int:
        return 9 * incoming * out + out + 9 * out * out + out + 4 * out

    widths = [4, 8, 16]
    total = block(3, 4) + block(4, 8) + block(8, 16)
    for level, column in ((0, 1), (1, 1), (0, 2)):
        width = widths[level]
        total += block((column + 1) * width, width) + 4 * 2 * width * width + width
    total += 4 * 5 + 5
    model = UNetPlusPlus(3, 5, base_channels=4, depth=2, residual=False)
    assert sum(p.numel() for p in model.parameters()) == total


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_the_receptive_radius_is_reached_and_never_passed(depth: int) -> None:
    model = UNetPlusPlus(1, 1, base_channels=1, depth=depth, residual=False)
    assert measured_reach(model) == model.receptive_radius


def test_with_one_level_it_is_a_unet_but_for_the_last_convolution() -> None:
    assert UNetPlusPlus(1, 1, depth=1).receptive_radius == UNet(1, 1, depth=1).receptive_radius - 1


def test_whole_maps_are_dropped_before_the_output_layer() -> None:
    torch.manual_seed(0)
    model = UNetPlusPlus(1, 1, base_channels=16, depth=1, dropout=0.5).train()
    seen: list[torch.Tensor] = []
    model.head.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    model(torch.randn(4, 1, 16, 16))
    gone = (seen[0] == 0).flatten(2).all(dim=2)
    assert 0 < int(gone.sum()) < gone.numel()
    assert isinstance(model.dropout, nn.Dropout2d)
    assert UNetPlusPlus(1, 1, base_channels=2, depth=1, dropout=0.0).dropout is None
