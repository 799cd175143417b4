"""The engine that is torch itself."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from rareseg.device import Precision
from rareseg.inference.torch_engine import TorchEngine
from rareseg.models.build import build_model
from rareseg.models.network import Network


@pytest.mark.parametrize(
    "settings",
    [{"name": "unet", "base_channels": 4, "depth": 2}, {"name": "efficientnet_lite_unet"}],
    ids=lambda settings: settings["name"],
)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_rectifying_out_of_place_changes_no_bit(settings: dict[str, object], precision: Precision) -> None:
    torch.manual_seed(0)
    core = build_model(settings, in_channels=3, num_classes=3)
    given = Network(core, mean=[100.0] * 3, std=[20.0] * 3).eval().to(memory_format=torch.channels_last)
    engine = TorchEngine(copy.deepcopy(given), precision=precision)
    rectifiers = [m for m in engine.network.modules() if isinstance(m, nn.ReLU | nn.ReLU6)]
    assert rectifiers
    assert {m.inplace for m in rectifiers} == {precision == "float32"}

    batch = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)
    with (
        torch.inference_mode(),
        torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"),
    ):
        expected = given(batch).float()
    assert torch.equal(engine.run(batch), expected)
