"""What every loss term reads: one batch's logits and target, with the shared steps done once."""

from __future__ import annotations

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
        self.valid: Bool[Tensor, "b h w"] = self.target != ignore_index
        """Pixels that count."""
        self.num_valid: Int64[Tensor, ""] = self.valid.sum()
        """Number of pixels that count, left on the device."""
        # Not functools.cached_property: its lock cannot be traced by torch.compile before Python 3.12.
        self._log_probs: Tensor | None = None
        self._nll: Tensor | None = None

    @property
    def num_classes(self) -> int:
        """Channels of the logits."""
        return self.logits.shape[1]

    @property
    def log_probs(self) -> Float[Tensor, "b k h w"]:
        """Logarithm of the softmax over the classes."""
        if self._log_probs is None:
            self._log_probs = F.log_softmax(self.logits, dim=1)
        return self._log_probs

    @property
    def nll(self) -> Float[Tensor, "b h w"]:
        """Minus the log-probability of the true class; exactly 0, with zero gradient, where ignored."""
        if self._nll is None:
            self._nll = F.nll_loss(
                self.log_probs, self.target, ignore_index=self.ignore_index, reduction="none"
            )
        return self._nll
