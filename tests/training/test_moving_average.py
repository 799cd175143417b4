from __future__ import annotations

import torch
from torch import nn

from rareseg.training.moving_average import MovingAverage


def test_it_averages_as_the_formula_says() -> None:
    network = nn.Linear(1, 1, bias=False)
    average = MovingAverage(network, decay=0.5)
    values = [3.0, 5.0, -1.0, 4.0, 4.0, 0.0, 2.0, 8.0, 1.0, 6.0]
    expected = None
    for number, value in enumerate(values):
        nn.init.constant_(network.weight, value)
        average.update()
        keep = min(0.5, (1 + number) / (10 + number))
        expected = value if expected is None else keep * expected + (1 - keep) * value
    assert expected is not None
    torch.testing.assert_close(average.average.module.weight.detach(), torch.full((1, 1), expected))


def test_the_network_gets_its_own_weights_back() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    average = MovingAverage(network, decay=0.9)
    average.update()
    network.train()(torch.randn(8, 2))
    nn.init.constant_(network[0].weight, 9.0)
    own = {key: value.clone() for key, value in network.state_dict().items()}
    average.update()
    with average.in_place():
        assert not torch.equal(network[0].weight, own["0.weight"])
        # Running statistics are not averaged.
        assert torch.equal(network[1].running_mean, own["1.running_mean"])
    assert all(torch.equal(value, own[key]) for key, value in network.state_dict().items())
