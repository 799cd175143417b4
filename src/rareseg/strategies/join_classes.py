"""The rule that joins one-vs-all answers into one label map."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["join_classes"]


def join_classes(outputs: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
    """Logits of all classes from one-vs-all logits of all but the background.

    Each output is the logarithm of the odds of its class against all else. The rule: a pixel is background
    where no class has odds above 1 (probability above 1/2), else the class with the highest odds. As logits: 0 for
    the background and the outputs as they are for the others. Their softmax gives each class its odds over
    ``1 + sum of all odds``, which for a single class is its sigmoid.

    Args:
        outputs: One channel for each class but the first.

    Example:
        >>> join_classes(torch.tensor([-1.0, -2.0]).view(1, 2, 1, 1)).argmax(1).item()
        0
        >>> join_classes(torch.tensor([1.0, 2.0]).view(1, 2, 1, 1)).argmax(1).item()
        2
    """
    return torch.cat([torch.zeros_like(outputs[:, :1]), outputs], dim=1)
