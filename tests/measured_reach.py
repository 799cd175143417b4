"""The measured counterpart of `receptive_radius`, for tests."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["measured_reach"]


def measured_reach(model: nn.Module) -> int:
    """Furthest row with a gradient, over all phases, of a model made such that nothing cancels.

    With positive weights and mean pooling every pixel that can matter has a gradient above 0. The model is changed.
    """
    model = model.double().eval()
    for parameter in model.parameters():
        nn.init.constant_(parameter, 1.0)
    if hasattr(model, "pool"):
        model.pool = nn.AvgPool2d(2)
    stride, radius = model.stride, model.receptive_radius
    blocks = 2 * (radius // stride + 2)
    reach = []
    for phase in range(stride):
        image = torch.ones(1, 1, blocks * stride, stride, dtype=torch.float64, requires_grad=True)
        row = blocks // 2 * stride + phase
        model(image)[0, 0, row].sum().backward()
        touched = image.grad[0, 0].sum(dim=1).nonzero().flatten()
        reach += [row - int(touched.min()), int(touched.max()) - row]
    return max(reach)
