from __future__ import annotations

import numpy as np
import pytest
import torch

from rareseg.models.squeeze_excitation import SqueezeExcitation


def test_factors_are_those_of_the_paper() -> None:
    """Equations 2 to 4 of arXiv 1709.01507, written with matrices."""
    torch.manual_seed(0)
    block = SqueezeExcitation(12, reduction=2)
    maps = torch.randn(2, 12, 3, 5)
    weights = {name: value.detach().numpy() for name, value in block.named_parameters()}
    squeezed = maps.numpy().mean(axis=(2, 3))
    hidden = np.maximum(squeezed @ weights["reduce.weight"][:, :, 0, 0].T + weights["reduce.bias"], 0)
    excited = hidden @ weights["expand.weight"][:, :, 0, 0].T + weights["expand.bias"]
    expected = maps.numpy() / (1 + np.exp(-excited))[:, :, None, None]
    np.testing.assert_allclose(block(maps).detach().numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("channels", "hidden"), [(16, 4), (64, 4), (256, 16)])
def test_hidden_units_are_a_sixteenth_but_four_at_least(channels: int, hidden: int) -> None:
    assert SqueezeExcitation(channels).reduce.out_channels == hidden
