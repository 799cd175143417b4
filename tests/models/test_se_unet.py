from __future__ import annotations

import torch
from torch import nn

from rareseg.models.attention_gate import AttentionGate
from rareseg.models.cost import cost_table
from rareseg.models.se_unet import SEUNet
from rareseg.models.squeeze_excitation import SqueezeExcitation


def test_every_step_of_one_level() -> None:
    torch.manual_seed(0)
    model = SEUNet(1, 3, base_channels=4, depth=1).eval()
    image = torch.randn(1, 1, 4, 6)
    block, excite = model.encoder[0]
    skip = excite(block(image))
    bottom = model.encoder[1](nn.functional.max_pool2d(skip, 2))
    below = model.up[0](bottom)
    decoded = model.decoder[0](model.gate[0](skip, below) + below)
    torch.testing.assert_close(model(image), model.head(decoded))


def test_where_its_blocks_stand() -> None:
    model = SEUNet(3, 5, base_channels=8, depth=3, reduction=2)
    assert sum(isinstance(m, SqueezeExcitation) for m in model.encoder.modules()) == 4
    assert sum(isinstance(m, SqueezeExcitation) for m in model.modules()) == 4
    assert sum(isinstance(m, AttentionGate) for m in model.modules()) == 3
    assert [level[1].reduce.out_channels for level in model.encoder] == [4, 8, 16, 32]
    assert [m.conv1.in_channels for m in model.decoder] == [8, 16, 32]  # added, not side by side


def test_its_cost_worked_out_by_hand() -> None:
    """One level of 8 maps on a 4 x 4 patch, in multiply-accumulates and in values of the new maps."""
    rows = {row.name: row for row in cost_table(SEUNet(1, 2, base_channels=8, depth=1), (1, 1, 4, 4))}
    expected = {
        "encoder.0.0.conv1": (16 * 8 * 9, 8 * 9 + 8, 128),
        "encoder.0.0.norm1": (0, 16, 128),
        "encoder.0.1.squeeze": (0, 0, 8),
        "encoder.0.1.reduce": (8 * 4, 8 * 4 + 4, 4),
        "encoder.0.1.expand": (4 * 8, 4 * 8 + 8, 8),
        "encoder.0.1.sigmoid": (0, 0, 8),
        "encoder.0.1.scale": (0, 0, 128),
        "up.0": (4 * 16 * 8 * 4, 16 * 8 * 4 + 8, 128),
        "gate.0.of_skip": (16 * 8 * 4, 8 * 4, 64),
        "gate.0.of_gating": (16 * 8 * 4, 8 * 4 + 4, 64),
        "gate.0.factor": (16 * 4, 4 + 1, 16),
        "add": (0, 0, 128),
        "head": (16 * 8 * 2, 8 * 2 + 2, 32),
    }
    assert {
        name: (rows[name].macs, rows[name].parameters, rows[name].activations) for name in expected
    } == expected
    assert rows["add"].skip_bytes == rows["add"].activation_bytes == 128 * 4
    assert {rows[name].kind for name in ("encoder.0.1.squeeze", "encoder.0.1.scale", "add")} == {
        "mean",
        "product",
        "addition",
    }
