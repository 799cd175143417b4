"""What every loss term reads: one batch's logits and target, with the shared steps done once."""

from __future__ import annotations

from functools import cached_property

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64, Integer
from torch import Tensor

from rareseg.errors import DataError
from rareseg.types import IGNORE_INDEX

__all__ = ["LossInputs"]


class LossInputs:
    """Logits and target of one batch; what several terms need is computed at its first use and kept.

    Logits of 16 bits are widened to float32 here, so no term works in less.

    Args:
        logits: Raw scores, one channel a class.
        target: Class index of each pixel.
        ignore_index: Index of pixels that neither count nor receive a gradient.

    Raises:
        DataError: The shapes do not belong together or the target holds no whole numbers.

    Example:
        >>> inputs = LossInputs(torch.zeros(1, 4, 1, 2), torch.tensor([[[2, 255]]]))
        >>> inputs.nll
        tensor([[[1.3863, 0.0000]]])
        >>> inputs.num_valid
        tensor(1)
    """

    def __init__(
        self,
        logits: Float[Tensor, "b k h w"],
        target: Integer[Tensor, "b h w"],
        *,
        ignore_index: int = IGNORE_INDEX,
    ) -> None:
        if logits.ndim != 4 or target.shape != (logits.shape[0], *logits.shape[2:]):
            raise DataError(
                "Expected logits (b, k, h, w) and a target (b, h, w) of the same batch and size, but got"
                f" {tuple(logits.shape)} and {tuple(target.shape)}. Give the target as class indices."
            )
        if target.is_floating_point() or target.is_complex() or target.dtype == torch.bool:
            raise DataError(
                f"Expected a target of whole numbers, but got {target.dtype}. Convert it: target.long()"
            )
        wide = logits.dtype in (torch.float32, torch.float64)
        self.logits: Float[Tensor, "b k h w"] = logits if wide else logits.float()
        self.target: Int64[Tensor, "b h w"] = target.long()
        self.ignore_index = ignore_index

    @property
    def num_classes(self) -> int:
        """Channels of the logits."""
        return self.logits.shape[1]

    @cached_property
    def valid(self) -> Bool[Tensor, "b h w"]:
        """Pixels that count."""
        return self.target != self.ignore_index

    @cached_property
    def num_valid(self) -> Int64[Tensor, ""]:
        """Number of pixels that count, left on the device."""
        return self.valid.sum()

    @cached_property
    def log_probs(self) -> Float[Tensor, "b k h w"]:
        """Logarithm of the softmax over the classes."""
        return F.log_softmax(self.logits, dim=1)

    @cached_property
    def nll(self) -> Float[Tensor, "b h w"]:
        """Minus the log-probability of the true class; exactly 0, with zero gradient, where ignored."""
        return F.nll_loss(self.log_probs, self.target, ignore_index=self.ignore_index, reduction="none")
