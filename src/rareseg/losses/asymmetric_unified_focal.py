"""Asymmetric unified focal loss: rare classes keep their full say, the background is played down.

Source: arXiv 2102.04525.
"""

from __future__ import annotations

from functools import partial

import torch
from jaxtyping import Float, Integer
from pydantic import Field
from torch import Tensor, nn

from rareseg.errors import ConfigError
from rareseg.losses.inputs import Activation, LossInputs, RegionSums
from rareseg.losses.region_term import RegionReduction, reduce_regions
from rareseg.losses.term import ClassFacts, TermSettings, register_loss
from rareseg.losses.tversky import tversky_of_sums
from rareseg.types import IGNORE_INDEX

__all__ = ["asymmetric_unified_focal"]


def asymmetric_unified_focal(
    logits: Float[Tensor, "b c h w"],
    target: Integer[Tensor, "b h w"] | Integer[Tensor, "b c h w"],
    *,
    weight: float = 0.5,
    delta: float = 0.6,
    gamma: float = 0.5,
    reduction: RegionReduction = "batch",
    activation: Activation = "softmax",
    positive_classes: tuple[int, ...] | None = None,
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, ""]:
    """``weight`` times an asymmetric focal Tversky loss plus ``1 - weight`` times an asymmetric focal loss.

    The first class is the background, all others are rare. The focal part is the mean over valid pixels of
    ``(1 - delta) (1 - p_t) ** gamma`` times cross-entropy at background pixels, so that easy ones count less,
    and ``delta`` times cross-entropy, undamped, at the others. The Tversky part is the mean over classes of
    the `tversky` loss with ``1 - delta`` for false positives and ``delta`` for false negatives; that of a rare
    class is raised to the power ``1 - gamma``, so that a class that is found well keeps a steep slope.

    With a sigmoid this is the form for two classes in each channel: the channel's class is the rare one,
    everything else the background, which has a Tversky loss of its own.

    A class without a true pixel costs its mean probability in the Tversky part, a rare one to the power
    ``1 - gamma``, and nothing in the focal part. An all-background batch is played down in the focal part. A
    batch without a valid pixel gives 0 and zero gradients.

    Args:
        logits: Raw scores.
        target: As in `dice`.
        weight: Share of the Tversky part, 1 minus the paper's lambda, above 0; with 1 it stands alone.
        delta: Weight of rare classes against the background, and of misses against false alarms, in (0, 1).
        gamma: How strongly easy background is played down and good rare classes keep their slope, in [0, 1).
        reduction: Of the Tversky part, ``"batch"`` or ``"image"``, as in `dice`.
        activation: What the channels mean, see `LossInputs`.
        positive_classes: Class index of each channel of a sigmoid; None for 1, 2, 3 and so on.
        ignore_index: Index of pixels that are left out.

    Returns:
        A scalar of at least 0.

    Raises:
        DataError: Logits and target do not belong together.
        ConfigError: A number is out of its range.

    Example:
        >>> logits = torch.log(torch.tensor([0.25, 0.75])).view(1, 2, 1, 1)
        >>> # 0.6 * 0.2877 for the pixel; 0.25 for absent background, (1 - 0.75 / 0.9) ** 0.5 for class 1
        >>> asymmetric_unified_focal(logits, torch.tensor([[[1]]]))
        tensor(0.2509)
    """
    for name, number, fits, range_ in (
        ("weight", weight, 0 < weight <= 1, "above 0 and at most 1"),
        ("delta", delta, 0 < delta < 1, "between 0 and 1"),
        ("gamma", gamma, 0 <= gamma < 1, "of at least 0 and below 1"),
    ):
        if not fits:
            raise ConfigError(
                f"Expected '{name}' {range_}, but got {number}. The paper uses 0.5, 0.6 and 0.5."
            )
    inputs = LossInputs(
        logits,
        target,
        activation=activation,
        positive_classes=positive_classes,
        ignore_index=ignore_index,
        regions=True,
    )
    term = _AsymmetricUnifiedFocal(weight=weight, delta=delta, gamma=gamma, reduction=reduction)
    value: Tensor = term(inputs)
    return value


class AsymmetricUnifiedFocalSettings(TermSettings):
    """Options of the asymmetric unified focal loss."""

    weight: float = Field(default=0.5, gt=0, le=1)
    """Share of the Tversky part, 1 minus the paper's lambda; the rest is the focal part."""
    delta: float = Field(default=0.6, gt=0, lt=1)
    """Weight of rare classes against the background, and of misses against false alarms."""
    gamma: float = Field(default=0.5, ge=0, lt=1)
    """How strongly easy background is played down, and good rare classes keep their slope."""
    reduction: RegionReduction = "batch"
    """Of the Tversky part: one region a class over the batch, or one for each image, averaged."""

    def summary(self) -> str:
        """The loss and its options, in words."""
        by_image = " by image" if self.reduction == "image" else ""
        numbers = f"weight={self.weight:g} delta={self.delta:g} gamma={self.gamma:g}"
        return f"{super().summary()} {numbers}{by_image}"


@register_loss("asymmetric_unified_focal", AsymmetricUnifiedFocalSettings)
def _build(settings: AsymmetricUnifiedFocalSettings, classes: ClassFacts) -> nn.Module:
    del classes  # the first is the background, whatever the others are
    return _AsymmetricUnifiedFocal(
        weight=settings.weight, delta=settings.delta, gamma=settings.gamma, reduction=settings.reduction
    )


class _AsymmetricUnifiedFocal(nn.Module):
    reads_regions = True

    def __init__(self, *, weight: float, delta: float, gamma: float, reduction: RegionReduction) -> None:
        super().__init__()
        self.weight = weight
        self.delta = delta
        self.gamma = gamma
        self.reduction = reduction

    def forward(self, inputs: LossInputs) -> Float[Tensor, ""]:
        softmax = inputs.activation == "softmax"
        form = _softmax_tversky if softmax else _sigmoid_tversky
        class_loss = partial(form, delta=self.delta, gamma=self.gamma)
        tversky = reduce_regions(class_loss, inputs, reduction=self.reduction)
        if self.weight == 1:
            return tversky
        values = inputs.nll if softmax else inputs.bce
        rare = inputs.known_target != 0 if softmax else inputs.truth
        miss = -torch.expm1(-values)  # 1 - p_t without cancellation
        easy = (1 - self.delta) * _power(miss, self.gamma) * values
        focal = torch.where(rare, self.delta * values, easy).sum() / inputs.num_valid.clamp_min(1)
        return self.weight * tversky + (1 - self.weight) * focal


def _softmax_tversky(sums: RegionSums, *, delta: float, gamma: float) -> Float[Tensor, "u c"]:
    loss = tversky_of_sums(sums, fp_weight=1 - delta, fn_weight=delta, smooth=0.0)
    return torch.cat([loss[:, :1], _power(loss[:, 1:], 1 - gamma)], dim=1)


def _sigmoid_tversky(sums: RegionSums, *, delta: float, gamma: float) -> Float[Tensor, "u c"]:
    right = sums.valid - sums.predicted - sums.true + sums.intersection  # about everything else
    others = RegionSums(right, sums.valid - sums.predicted, sums.valid - sums.true, sums.valid)
    rare, background = (
        tversky_of_sums(part, fp_weight=1 - delta, fn_weight=delta, smooth=0.0) for part in (sums, others)
    )
    return (background + _power(rare, 1 - gamma)) / 2


def _power(values: Float[Tensor, "*size"], exponent: float) -> Float[Tensor, "*size"]:
    """A power of at most 1, with a zero gradient at 0."""
    if exponent == 1:
        return values
    # The slope at 0 is infinite: the clamp cuts it off, far below float32's rounding.
    return values.clamp_min(1e-20).pow(exponent).where(values > 0, 0)
