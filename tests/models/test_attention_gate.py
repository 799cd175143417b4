from __future__ import annotations

import numpy as np
import torch

from rareseg.models.attention_gate import AttentionGate


def test_factors_are_those_of_the_paper() -> None:
    """Equations 1 and 2 of arXiv 1804.03999, pixel by pixel."""
    torch.manual_seed(0)
    gate = AttentionGate(4, 6)
    skip, gating = torch.randn(1, 4, 2, 3), torch.randn(1, 6, 2, 3)
    weights = {name: value.detach().numpy() for name, value in gate.named_parameters()}
    out = gate(skip, gating).detach().numpy()
    for row in range(2):
        for col in range(3):
            x, g = skip[0, :, row, col].numpy(), gating[0, :, row, col].numpy()
            hidden = weights["of_skip.weight"][:, :, 0, 0] @ x
            hidden = hidden + weights["of_gating.weight"][:, :, 0, 0] @ g + weights["of_gating.bias"]
            asked = weights["factor.weight"][0, :, 0, 0] @ np.maximum(hidden, 0) + weights["factor.bias"]
            np.testing.assert_allclose(out[0, :, row, col], x / (1 + np.exp(-asked)), rtol=1e-5, atol=1e-6)


def test_hidden_channels_are_half() -> None:
    assert AttentionGate(8, 16).factor.in_channels == 4
    assert AttentionGate(1, 2).factor.in_channels == 1
