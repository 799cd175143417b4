"""Whether a model's outputs look like probabilities, to which a loss would apply the activation once more."""

from __future__ import annotations

from typing import Literal

from jaxtyping import Float
from torch import Tensor

__all__ = ["looks_activated"]


def looks_activated(outputs: Float[Tensor, "b c h w"], activation: Literal["softmax", "sigmoid"]) -> bool:
    """Whether all outputs of a batch lie in 0 to 1 and, for a softmax, sum to 1 over the channels of each pixel.

    Losses take raw logits and apply the activation themselves. On outputs that are activated already, a sigmoid ends
    between 0.5 and 0.73: no pixel is ever called background. Logits of a fresh model lie on both sides of 0; those
    that are the same everywhere, as from a last layer that starts at 0, tell nothing.

    Args:
        outputs: What the model gave.
        activation: What the loss will apply.

    Example:
        >>> import torch
        >>> logits = torch.tensor([[-1.0, 2.0], [0.5, -3.0]]).reshape(1, 2, 1, 2)
        >>> looks_activated(logits, "softmax"), looks_activated(logits.softmax(1), "softmax")
        (False, True)
        >>> looks_activated(logits.sigmoid(), "sigmoid")
        True
    """
    values = outputs.detach().float()
    low, high = values.min(), values.max()
    if not bool((low >= 0) & (high <= 1) & (high > low)):
        return False
    # bfloat16 keeps three digits, so sums of probabilities miss 1 by more than a rounding of float32.
    return activation == "sigmoid" or bool(((values.sum(dim=1) - 1).abs() < 0.02).all())
