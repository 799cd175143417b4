"""Lovász-Softmax and Lovász hinge: the Jaccard loss of whole pixels, made convex (arXiv 1705.08790)."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Bool, Float, Integer
from torch import Tensor, nn

from rareseg.errors import ConfigError
from rareseg.losses.inputs import Activation, LossInputs
from rareseg.losses.lovasz_slopes import lovasz_slopes
from rareseg.losses.region_term import RegionReduction, RegionSettings
from rareseg.losses.term import ClassFacts, register_loss
from rareseg.types import IGNORE_INDEX

__all__ = ["lovasz"]

Absent = Literal["skip", "largest"]
"""What a class without a true pixel costs: nothing, or its largest error."""


def lovasz(
    logits: Float[Tensor, "b c h w"],
    target: Integer[Tensor, "b h w"] | Integer[Tensor, "b c h w"],
    *,
    reduction: RegionReduction = "batch",
    absent: Absent | None = None,
    channels: tuple[int, ...] | None = None,
    activation: Activation = "softmax",
    positive_classes: tuple[int, ...] | None = None,
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, ""]:
    """The Jaccard loss of each class, extended from right and wrong pixels to errors between; averaged.

    Unlike `jaccard`, which counts probabilities, it is the loss of the decision itself where errors are 0 or 1.
    It is mostly used to fine-tune, or beside cross-entropy. With a softmax the error of a pixel is the distance
    of its probability from the truth; with a sigmoid it is the hinge of the logit, ``max(0, 1 - z)`` for
    positives and ``max(0, 1 + z)`` for negatives. Errors are sorted exactly, not in bins.

    A class without a true pixel is left out of the mean (``"skip"``), or costs its largest error
    (``"largest"``), whose gradient the pixels with that error share. Without choice a softmax skips, since
    other classes push it down, and a sigmoid does not, since nothing else would. The authors do the same. In
    an all-background batch the background of a softmax costs its mean error. A batch without a valid pixel
    gives 0 and zero gradients.

    Args:
        logits: Raw scores.
        target: As in `dice`.
        reduction: ``"batch"``: one region a class; ``"image"``: the mean over images of their mean over classes.
        absent: What a class without a true pixel costs, above.
        channels: Channels that the mean is over; None for all.
        activation: What the channels mean, see `LossInputs`.
        positive_classes: Class index of each channel of a sigmoid; None for 1, 2, 3 and so on.
        ignore_index: Index of pixels that are left out.

    Returns:
        A scalar, in [0, 1] for a softmax and at least 0 for a sigmoid.

    Raises:
        DataError: Logits and target do not belong together.
        ConfigError: ``reduction`` or ``absent`` is unknown.

    Example:
        >>> probs = torch.tensor([[0.75, 0.4], [0.25, 0.6]])  # classes by pixels
        >>> logits = probs.log().view(1, 2, 1, 2)
        >>> lovasz(logits, torch.tensor([[[0, 1]]]))  # 0.4 / 2 + 0.25 / 2 for class 0, 0.4 for class 1
        tensor(0.3625)
    """
    if reduction not in ("batch", "image"):
        raise ConfigError(f"Expected reduction 'batch' or 'image', but got '{reduction}'. Use one of them.")
    if absent not in (None, "skip", "largest"):
        raise ConfigError(f"Expected absent 'skip' or 'largest', but got '{absent}'. Use one of them.")
    inputs = LossInputs(
        logits, target, activation=activation, positive_classes=positive_classes, ignore_index=ignore_index
    )
    chosen = tuple(range(inputs.num_channels)) if channels is None else channels
    value: Tensor = _Lovasz(reduction=reduction, absent=absent, channels=chosen)(inputs)
    return value


class LovaszSettings(RegionSettings):
    """Options of the Lovász loss."""

    absent: Absent | None = None
    """What a class without a true pixel costs: nothing (skip) or its largest error; null: skip for a softmax."""

    def options(self) -> list[str]:
        """What absent classes cost, in words."""
        return [f"absent={self.absent}"] if self.absent else []


@register_loss("lovasz", LovaszSettings)
def _build_lovasz(settings: LovaszSettings, classes: ClassFacts) -> nn.Module:
    return _Lovasz(reduction=settings.reduction, absent=settings.absent, channels=settings.channels(classes))


class _Lovasz(nn.Module):
    def __init__(
        self, *, reduction: RegionReduction, absent: Absent | None, channels: tuple[int, ...]
    ) -> None:
        super().__init__()
        self.reduction = reduction
        self.absent = absent
        self.channels = channels

    def forward(self, inputs: LossInputs) -> Float[Tensor, ""]:
        truth = self._rows(inputs.truth)
        if inputs.activation == "softmax":
            errors = (self._rows(inputs.probs) - truth.to(inputs.logits.dtype)).abs()
        else:
            scores = inputs.logits.where(~inputs.truth, -inputs.logits)
            errors = self._rows((1 + scores).clamp_min(0).where(inputs.channel_valid, 0))
        with torch.no_grad():
            slopes = lovasz_slopes(errors.flatten(0, 1), truth.flatten(0, 1)).view_as(errors)
        losses: Tensor = torch.linalg.vecdot(errors, slopes)
        absent = self.absent or ("skip" if inputs.activation == "softmax" else "largest")
        counted = truth.any(dim=2) if absent == "skip" else self._rows(inputs.channel_valid).any(dim=2)
        by_image = losses.where(counted, 0).sum(1) / counted.sum(1).clamp_min(1)
        return by_image.sum() / counted.any(dim=1).sum().clamp_min(1)

    def _rows(self, values: Tensor) -> Float[Tensor, "u c n"] | Bool[Tensor, "u c n"]:
        """Pixels of each image, or of the batch, and chosen channel in a row."""
        if self.channels != tuple(range(values.shape[1])):
            values = torch.stack([values[:, channel] for channel in self.channels], dim=1)
        if self.reduction == "image":
            return values.flatten(2)
        return values.movedim(1, 0).flatten(1)[None]
