"""Cross-entropy of the hardest pixels only: online hard example mining (arXiv 1604.03540)."""

from __future__ import annotations

import math
from functools import partial
from typing import Literal

import torch
from jaxtyping import Bool, Float, Integer
from pydantic import Field
from torch import Tensor, nn

from rareseg.errors import ConfigError, OptionError
from rareseg.losses.inputs import Activation, LossInputs
from rareseg.losses.pixel_term import PixelTermSettings
from rareseg.losses.reduction import reduce_pixels
from rareseg.losses.term import ClassFacts, register_loss
from rareseg.types import IGNORE_INDEX

__all__ = ["top_k"]


def top_k(
    logits: Float[Tensor, "b c h w"],
    target: Integer[Tensor, "b h w"] | Integer[Tensor, "b c h w"],
    *,
    share: float = 0.25,
    threshold: float | None = None,
    min_kept: int | None = None,
    weight: Float[Tensor, " k"] | Float[Tensor, "c 2"] | None = None,
    reduction: Literal["mean", "weighted_mean"] = "mean",
    activation: Activation = "softmax",
    positive_classes: tuple[int, ...] | None = None,
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, ""]:
    """Mean cross-entropy of the pixels of a batch whose true class has the least probability.

    Use it where most of the background is easy; wrong labels are hard as well and get more say. So many
    pixels are kept as the largest of three numbers asks for: the ``share`` of the valid ones (rounded, halves
    to the even number, and at least one), ``min_kept``, and those that are less likely than ``threshold``.
    Pixels that tie for the last places share them, so the value is that of the hardest pixels exactly and no
    pixel is picked by its place. Weights do not choose pixels, they weigh those that are kept. With a sigmoid,
    every channel of a pixel counts as a pixel.

    A class absent from the batch adds nothing; its logits are pushed down at the kept pixels of the others.
    An all-background batch keeps background pixels. A batch without a valid pixel gives 0 and zero gradients.

    Args:
        logits: Raw scores.
        target: As in `cross_entropy`.
        share: Least share of the valid pixels that is kept, in [0, 1).
        threshold: Every pixel whose true class has less than this probability is kept, in (0, 1).
        min_kept: Least number of pixels that is kept, while there are as many.
        weight: As in `cross_entropy`.
        reduction: ``"mean"`` over kept pixels, or ``"weighted_mean"`` over the sum of their weights.
        activation: What the channels mean, see `LossInputs`.
        positive_classes: Class index of each channel of a sigmoid; None for 1, 2, 3 and so on.
        ignore_index: Index of pixels that are left out.

    Returns:
        A scalar of at least 0.

    Raises:
        DataError: Logits and target do not belong together.
        ConfigError: A number is out of its range, or the weight has not one value a class.
        OptionError: Nothing says how many pixels to keep.

    Example:
        >>> logits = torch.log(torch.tensor([[0.5, 0.5], [0.25, 0.75]])).T.reshape(1, 2, 1, 2)
        >>> top_k(logits, torch.tensor([[[0, 0]]]), share=0.5)  # the second pixel alone: -log(0.25)
        tensor(1.3863)
    """
    if not 0 <= share < 1:
        raise ConfigError(f"Expected a share of at least 0 and below 1, but got {share}. Keep some: 0.25")
    if threshold is not None and not 0 < threshold < 1:
        raise ConfigError(
            f"Expected 'threshold' between 0 and 1, but got {threshold}. Give a probability: 0.7"
        )
    if min_kept is not None and min_kept < 1:
        raise ConfigError(f"Expected 'min_kept' of at least 1, but got {min_kept}. Leave it out or raise it.")
    _check_any(share, threshold, min_kept)
    inputs = LossInputs(
        logits, target, activation=activation, positive_classes=positive_classes, ignore_index=ignore_index
    )
    kept = partial(_kept, share=share, threshold=threshold, min_kept=min_kept)
    value: Tensor = _TopK(kept, weight=weight, reduction=reduction)(inputs)
    return value


class TopKSettings(PixelTermSettings):
    """Options of the cross-entropy of the hardest pixels."""

    share: float = Field(default=0.25, ge=0, lt=1)
    """Least share of the valid pixels that is kept."""
    threshold: float | None = Field(default=None, gt=0, lt=1)
    """Every pixel whose true class has less than this probability is kept."""
    min_kept: int | None = Field(default=None, ge=1)
    """Least number of pixels of a batch that is kept."""

    def label(self) -> str:
        """The loss and its own options, in words."""
        rules = [
            *([f"{100 * self.share:g} %"] if self.share else []),
            *([f"p<{self.threshold:g}"] if self.threshold is not None else []),
            *([f"{self.min_kept} pixels"] if self.min_kept is not None else []),
        ]
        return f"hardest {' or '.join(rules)}"


@register_loss("top_k", TopKSettings)
def _build_top_k(settings: TopKSettings, classes: ClassFacts) -> nn.Module:
    _check_any(settings.share, settings.threshold, settings.min_kept)
    kept = partial(_kept, share=settings.share, threshold=settings.threshold, min_kept=settings.min_kept)
    return _TopK(kept, weight=settings.weight(classes), reduction=settings.reduction)


class _TopK(nn.Module):
    weight: Tensor | None

    def __init__(
        self,
        kept: partial[Tensor],
        *,
        weight: Float[Tensor, " k"] | Float[Tensor, "c 2"] | None,
        reduction: Literal["mean", "weighted_mean"],
    ) -> None:
        super().__init__()
        self.kept = kept
        self.reduction = reduction
        self.register_buffer("weight", weight)

    def forward(self, inputs: LossInputs) -> Float[Tensor, ""]:
        softmax = inputs.activation == "softmax"
        values = inputs.nll if softmax else inputs.bce
        kept = self.kept(values.detach(), inputs.valid if softmax else inputs.channel_valid)
        weighted = reduce_pixels(values * kept, inputs, weight=self.weight, reduction="none")
        if self.reduction == "weighted_mean":
            kept = reduce_pixels(kept, inputs, weight=self.weight, reduction="none")
        total = kept.sum()
        return weighted.sum() / total.where(total > 0, 1)


def _kept(
    values: Float[Tensor, "*size"],
    valid: Bool[Tensor, "*size"],
    *,
    share: float,
    threshold: float | None,
    min_kept: int | None,
) -> Float[Tensor, "*size"]:
    """1 where a pixel is kept, 0 where not, and the share of one that ties for the last places get."""
    num_valid = valid.sum()
    num = (num_valid.double() * share).round().long()
    if share > 0:
        num = num.clamp_min(1)
    if threshold is not None:
        num = torch.maximum(num, (values > -math.log(threshold)).sum())
    if min_kept is not None:
        num = num.clamp_min(min_kept)
    num = torch.minimum(num, num_valid)
    # Bits of floats from 0 upwards rise with their value, and integers are sorted several times faster.
    kind = torch.int32 if values.dtype == torch.float32 else torch.int64
    ranks = values.clamp_min(0).view(kind).where(valid, -1)
    ordered = ranks.flatten().sort().values
    last = ordered.gather(0, (ordered.numel() - num).clamp_max(ordered.numel() - 1)[None])
    above, ties = ranks > last, (ranks == last) & valid
    share_of_ties = (num - above.sum()) / ties.sum().clamp_min(1)
    return above.to(values.dtype) + ties * share_of_ties.to(values.dtype)


def _check_any(share: float, threshold: float | None, min_kept: int | None) -> None:
    if share == 0 and threshold is None and min_kept is None:
        raise OptionError(
            "'top_k' with 'share: 0' keeps no pixel. Raise 'share', or give 'threshold' or 'min_kept'."
        )
