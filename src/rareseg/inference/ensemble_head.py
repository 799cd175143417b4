"""What reads the outputs of an ensemble."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from rareseg.strategies.head import GateSettings

__all__ = ["EnsembleHead"]


@dataclass(frozen=True)
class EnsembleHead:
    """Splits the channels of an `EnsembleEngine` into class logits and disagreement.

    Attributes:
        gate: The members' image gate, where they have one.

    Example:
        >>> import torch
        >>> outputs = torch.tensor([-0.1, -2.4, 0.3]).view(1, 3, 1, 1)
        >>> head = EnsembleHead()
        >>> head.class_logits(outputs).shape, round(head.disagreement(outputs).item(), 3)
        (torch.Size([1, 2, 1, 1]), 0.3)
    """

    gate: GateSettings | None = None

    def class_logits(self, outputs: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """Logarithms of the mean probabilities."""
        return outputs[:, :-1]

    def disagreement(self, outputs: Float[Tensor, "b c h w"]) -> Float[Tensor, "b h w"]:
        """How much the members contradict each other, from 0 to 1."""
        return outputs[:, -1]
