"""The loss of an image gate: does this patch hold anything but background?"""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float, Integer
from torch import Tensor, nn

from rareseg.losses.terms import LossValue
from rareseg.types import IGNORE_INDEX

__all__ = ["GateLoss"]


class GateLoss(nn.Module):
    """Binary cross-entropy of one logit a patch; a patch without a labelled pixel does not count.

    Example:
        >>> import torch
        >>> masks = torch.zeros(2, 4, 4, dtype=torch.uint8)
        >>> masks[1, 2, 3] = 4
        >>> round(float(GateLoss()(torch.tensor([[-9.0], [9.0]]), masks).total), 4)
        0.0001
    """

    def forward(self, logits: Float[Tensor, "b 1"], masks: Integer[Tensor, "b h w"]) -> LossValue:
        """Mean over the patches that count; 0 where none does."""
        labelled = masks != IGNORE_INDEX
        counts = labelled.flatten(1).any(dim=1)
        holds = (labelled & (masks != 0)).flatten(1).any(dim=1)
        values = F.binary_cross_entropy_with_logits(logits[:, 0].float(), holds.float(), reduction="none")
        total = (values * counts).sum() / counts.sum().clamp_min(1)
        return LossValue(total, {"gate": total})
