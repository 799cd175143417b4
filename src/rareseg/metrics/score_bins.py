"""Bin a batch of logits where it lies, so that only a byte for each pixel and class leaves the device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jaxtyping import Float, UInt8

from rareseg.metrics.bins import BINS_PER_LOGIT, NUM_BINS

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["score_bins"]

# Logits handled at once: on a CPU small enough for its caches, on a GPU large enough to fill it.
_CPU_BLOCK, _GPU_BLOCK = 1 << 18, 1 << 26


def score_bins(logits: Float[Tensor, "b k h w"]) -> UInt8[Tensor, "b k h w"]:
    """Bins of each class's softmax score, as `ScoreHistogram.add_bins` counts them.

    The score is ``logits[c] - logsumexp(logits of the others)``, the logit of the softmax probability; it is
    computed in float32 whatever the model ran in. A NaN lands in bin 0: check the logits before.

    Args:
        logits: ``(b, k, h, w)`` on any device, k at least 2.

    Returns:
        ``(b, k, h, w)`` uint8 on the same device.

    Example:
        >>> import torch
        >>> score_bins(torch.tensor([0.0, 2.0]).reshape(1, 2, 1, 1)).flatten().tolist()
        [108, 148]
    """
    import torch

    bins = torch.empty(logits.shape, dtype=torch.uint8, device=logits.device)
    block = _CPU_BLOCK if logits.device.type == "cpu" else _GPU_BLOCK
    rows = max(1, block // max(1, logits[:, :, :1].numel()))
    for start in range(0, logits.shape[2], rows):
        part = slice(start, start + rows)
        bins[:, :, part] = _positions(logits[:, :, part].detach().float())
    return bins


def _positions(logits: Tensor) -> Tensor:
    """Positions 0 to 255 on the scale of bins; the conversion to bytes rounds them down."""
    import torch

    shifted = logits - logits.amax(dim=1, keepdim=True)
    rest = shifted.exp()
    low = rest < 1
    num_top = (~low).sum(dim=1, keepdim=True).float()
    # The largest is left out of the sum before, not subtracted after: see `ScoreHistogram.add_logits`.
    others = (rest * low).sum(dim=1, keepdim=True)
    rest = torch.where(low, num_top + others - rest, num_top - 1 + others)
    position = (shifted - rest.log()).mul_(BINS_PER_LOGIT).add_(NUM_BINS // 2)
    return torch.nan_to_num(position, nan=0.0).clamp_(0, NUM_BINS - 1)
