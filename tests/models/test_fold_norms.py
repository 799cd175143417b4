"""Batch norms folded into convolutions: the same outputs, and the network that is trained stays as it is."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from export.make_bundle import make_blueprint, make_network
from rareseg.models.build import MODELS
from rareseg.models.fold_norms import fold_norms
from tiny import SMALL_MODELS, model_param


@pytest.mark.parametrize("name", [model_param(name) for name in MODELS])
def test_every_model_answers_alike(name: str) -> None:
    network = make_network(make_blueprint(model={"name": name, **SMALL_MODELS.get(name, {})}, bands=2))
    before = {key: value.clone() for key, value in network.state_dict().items()}
    folded = fold_norms(network)
    raw = torch.randint(0, 256, (2, 2, 64, 96), generator=torch.Generator().manual_seed(0)).float()
    with torch.inference_mode():
        expected, found = network(raw), folded(raw)
    assert (expected - found).abs().max() <= 1e-5 * max(1.0, float(expected.abs().max()))
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    if name != "smp":
        assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())


def test_worked_by_hand() -> None:
    """Weight 2 and bias 1, then (y - 3) / sqrt(4) * 5 + 7: together 5 x + 2."""
    block = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1, eps=0.0)).eval()
    block[0].weight.data.fill_(2)
    block[0].bias.data.fill_(1)
    block[1].running_mean.fill_(3)
    block[1].running_var.fill_(4)
    block[1].weight.data.fill_(5)
    block[1].bias.data.fill_(7)
    folded = fold_norms(block)
    assert (folded[0].weight.item(), folded[0].bias.item()) == pytest.approx((5.0, 2.0))


def test_what_does_not_follow_stays() -> None:
    """A norm before a convolution, and one that a branch of its own holds."""
    block = nn.Sequential(nn.BatchNorm2d(1), nn.Conv2d(1, 1, 1), nn.ReLU(), nn.BatchNorm2d(1)).eval()
    assert sum(isinstance(module, nn.BatchNorm2d) for module in fold_norms(block)) == 2
