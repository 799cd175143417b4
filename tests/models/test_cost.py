"""Costs against torch's own counter of operations, the module's parameters, and numbers of Table B1."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from rareseg.models.build import build_model
from rareseg.models.cost import LayerCost, cost_table
from rareseg.models.network import Network


@pytest.fixture(scope="module")
def baseline() -> list[LayerCost]:
    return cost_table(build_model("unet", in_channels=3, num_classes=5), (16, 3, 256, 256))


def test_rows_that_table_b1_prints_right(baseline: list[LayerCost]) -> None:
    rows = {row.name: row for row in baseline}
    for name, activations, parameters, size, channels in (
        ("encoder.0.conv1", 2097152, 896, 256, 32),
        ("encoder.0.conv2", 2097152, 9248, 256, 32),
        ("encoder.3.conv2", 262144, 590080, 32, 256),
        ("bottom.conv1", 131072, 1180160, 16, 512),
        ("bottom.conv2", 131072, 2359808, 16, 512),
        ("decoder.3.conv2", 262144, 590080, 32, 256),
        ("head", 327680, 1445, 256, 5),
    ):
        row = rows[name]
        assert (row.activations, row.parameters, row.out_height, row.out_channels) == (
            activations,
            parameters,
            size,
            channels,
        )
        assert (row.kind, row.kernel, row.stride, row.padding) == ("convolution", 3, 1, 1)


def test_totals_that_table_b1_prints_right(baseline: list[LayerCost]) -> None:
    """The document counts a map and its gradient, in units of 2 ** 20 bytes, and neither norms nor joins."""
    maps = sum(r.activation_bytes for r in baseline if r.kind in ("convolution", "up-convolution", "pooling"))
    incoming = 16 * 3 * 256 * 256 * 4
    assert (2 * maps + incoming) / 2**20 == 2604
    assert 2 * sum(row.skip_bytes for row in baseline) / 2**20 == 480


def test_macs_are_those_that_torch_counts(baseline: list[LayerCost]) -> None:
    model = build_model("unet", in_channels=3, num_classes=5).to("meta").eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.empty(1, 3, 256, 256, device="meta"))
    assert 2 * sum(row.macs for row in baseline) == counter.get_total_flops()


def test_parameters_are_those_of_the_model(baseline: list[LayerCost]) -> None:
    model = build_model("unet", in_channels=3, num_classes=5)
    assert sum(row.parameters for row in baseline) == sum(p.numel() for p in model.parameters())


def test_a_layer_that_runs_twice_has_its_parameters_once() -> None:
    layer = nn.Conv2d(2, 2, 3, padding=1)
    rows = cost_table(nn.Sequential(layer, nn.Tanh(), layer), (1, 2, 4, 4))
    assert [row.parameters for row in rows] == [38, 0, 0]
    assert [row.macs for row in rows] == [576, 0, 576]


def test_other_layers_and_paddings_in_words() -> None:
    model = nn.Sequential(
        nn.Conv2d(4, 8, 3, padding="same", groups=2), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(32, 5)
    )
    convolution, flat, linear = cost_table(model, (2, 4, 2, 2))
    assert (convolution.padding, convolution.macs) == (None, 8 * 4 * 9 * 2)
    assert (flat.kind, flat.activations) == ("flatten", 32)
    assert (linear.kind, linear.macs, linear.activation_bytes) == ("linear", 160, 2 * 5 * 4)


def test_the_model_is_left_as_it_is() -> None:
    core = build_model({"name": "unet", "base_channels": 2, "depth": 1}, in_channels=1, num_classes=2)
    network = Network(core, mean=[0.0], std=[1.0]).train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    rows = cost_table(network, (2, 1, 8, 8))
    assert rows[0].name == "core.encoder.0.conv1"
    assert network.training
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


def test_sizes_are_padded_as_the_network_pads_them() -> None:
    core = build_model({"name": "unet", "base_channels": 2, "depth": 2}, in_channels=1, num_classes=2)
    network = Network(core, mean=[0.0], std=[1.0])
    expected = [(row.out_height, row.out_width) for row in cost_table(network, (1, 1, 13, 18))]
    assert [(row.out_height, row.out_width) for row in cost_table(core, (1, 1, 13, 18))] == expected
    assert expected[0] == (16, 20)
