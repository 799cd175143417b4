"""Logit adjustment: cross-entropy of logits raised by how common their class is (arXiv 2007.07314)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Integer
from pydantic import Field
from torch import Tensor, nn

from rareseg.errors import ConfigError, DataError
from rareseg.losses.inputs import LossInputs
from rareseg.losses.pixel_term import PixelTerm, PixelTermSettings
from rareseg.losses.reduction import Reduction, reduce_pixels
from rareseg.losses.term import ClassFacts, register_loss
from rareseg.types import IGNORE_INDEX

__all__ = ["AdjustedTerm", "log_priors", "logit_adjustment"]


def logit_adjustment(
    logits: Float[Tensor, "b c h w"],
    target: Integer[Tensor, "b h w"],
    *,
    class_pixels: Sequence[int],
    tau: float = 1.0,
    weight: Float[Tensor, " c"] | None = None,
    reduction: Reduction = "mean",
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, "*size"]:
    """Cross-entropy of ``logits + tau * log(prior)``, equation 10 of the paper; only for a softmax.

    In training a rare class has to win by a margin over common ones. **Only the logits of the loss are
    adjusted**: the network's answer is its raw logits, at which a rare class stands higher than with plain
    cross-entropy. It aims at the mean recall of classes, so expect more false positives than with
    cross-entropy. With ``tau=1`` it is `balanced_softmax`.

    A class absent from the batch adds nothing; its logits are pushed down at the pixels of the others, the
    less the rarer it is. An all-background batch is pushed little, since background is expected. A batch
    without a valid pixel gives 0 and zero gradients.

    Args:
        logits: Raw scores.
        target: Class index of each pixel, as in `cross_entropy`.
        class_pixels: Pixels of each class in the training split, which the priors are shares of.
        tau: Strength of the adjustment, above 0.
        weight: One factor a class; None for 1.
        reduction: As in `cross_entropy`.
        ignore_index: Index of pixels that are left out.

    Returns:
        A scalar of at least 0, or a map ``(b, h, w)`` where ``reduction="none"``.

    Raises:
        DataError: Logits and target do not belong together, or a class has no pixels.
        ConfigError: ``tau`` is not above 0, or the counts or weights are not one a class.

    Example:
        >>> logits = torch.zeros(1, 2, 1, 1)
        >>> logit_adjustment(logits, torch.tensor([[[1]]]), class_pixels=[900, 100])  # -log(0.1)
        tensor(2.3026)
    """
    if not (tau > 0 and math.isfinite(tau)):
        raise ConfigError(f"Expected tau above 0, but got {tau}. Use 1, or cross_entropy for no adjustment.")
    if len(class_pixels) != logits.shape[1]:
        raise ConfigError(
            f"Expected pixels of each of {logits.shape[1]} classes, but got {len(class_pixels)} counts."
            " Give one a class, in class order."
        )
    shift = tau * log_priors(class_pixels)
    inputs = _adjusted(LossInputs(logits, target, ignore_index=ignore_index), shift.to(logits.device))
    return reduce_pixels(inputs.nll, inputs, weight=weight, reduction=reduction)


class LogitAdjustmentSettings(PixelTermSettings):
    """Options of logit adjustment."""

    tau: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Strength of the adjustment."""

    def label(self) -> str:
        """The loss and its own options, in words."""
        return f"logit adjustment tau={self.tau:g}"


@register_loss("logit_adjustment", LogitAdjustmentSettings)
def _build_logit_adjustment(settings: LogitAdjustmentSettings, classes: ClassFacts) -> nn.Module:
    return AdjustedTerm(settings, classes, tau=settings.tau)


class AdjustedTerm(nn.Module):
    """Cross-entropy of adjusted logits as a term; the shift of each class is a buffer.

    Args:
        settings: Name, weights and reduction.
        classes: The classes, whose training pixels give the priors.
        tau: Strength of the adjustment.

    Raises:
        OptionError: The head is a sigmoid.
        DataError: A class has no training pixels.
    """

    shift: Tensor

    def __init__(self, settings: PixelTermSettings, classes: ClassFacts, *, tau: float) -> None:
        super().__init__()
        classes.need(
            "softmax",
            f"The loss '{settings.name}'",
            instead="Weigh the channels instead: {name: cross_entropy, weights: icf}",
        )
        self.register_buffer("shift", (tau * log_priors(classes.pixels, class_names=classes.names)).float())
        self.term = PixelTerm(_negative_log, weight=settings.weight(classes), reduction=settings.reduction)

    def forward(self, inputs: LossInputs) -> Float[Tensor, ""]:
        """Loss of the batch."""
        value: Tensor = self.term(_adjusted(inputs, self.shift))
        return value


def log_priors(
    class_pixels: Sequence[int], *, class_names: Sequence[str] | None = None
) -> Float[Tensor, " c"]:
    """Logarithm of each class's share of the training pixels, float64.

    Raises:
        DataError: A class has no pixels, whose logits no finite number could adjust.
    """
    counts = torch.tensor([float(count) for count in class_pixels], dtype=torch.float64)
    for index in torch.nonzero(~(counts > 0)).flatten().tolist()[:1]:
        name = f"'{class_names[index]}'" if class_names is not None else f"{index}"
        raise DataError(
            f"Adjusting logits needs pixels of every class, but class {name} has none for training."
            " Give it training images, drop it from the classes, or use another loss."
        )
    return (counts / counts.sum()).log()


def _adjusted(inputs: LossInputs, shift: Float[Tensor, " c"]) -> LossInputs:
    logits = inputs.logits + shift.to(inputs.logits.dtype)[:, None, None]
    return LossInputs(logits, inputs.target, ignore_index=inputs.ignore_index)


def _negative_log(inputs: LossInputs) -> Float[Tensor, "b h w"]:
    return inputs.nll
