"""Cross-entropy with label smoothing: the truth keeps a little doubt (arXiv 1512.00567, section 7)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Integer
from pydantic import Field
from torch import Tensor, nn

from rareseg.errors import ConfigError
from rareseg.losses.inputs import Activation, LossInputs
from rareseg.losses.pixel_term import PixelTermSettings
from rareseg.losses.reduction import Reduction, reduce_pixels
from rareseg.losses.term import ClassFacts, register_loss
from rareseg.types import IGNORE_INDEX

__all__ = ["smoothed_cross_entropy"]


def smoothed_cross_entropy(
    logits: Float[Tensor, "b c h w"],
    target: Integer[Tensor, "b h w"] | Integer[Tensor, "b c h w"],
    *,
    smoothing: float = 0.1,
    weight: Float[Tensor, " k"] | Float[Tensor, "c 2"] | None = None,
    reduction: Reduction = "mean",
    activation: Activation = "softmax",
    positive_classes: tuple[int, ...] | None = None,
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, "*size"]:
    """Cross-entropy with ``1 - smoothing`` on the truth and ``smoothing`` spread over all classes alike.

    Use it where edges are labelled carelessly or a network is too sure of itself. No answer costs nothing: the
    least value is the entropy of the smoothed truth. Weights act as in torch: each class's share of the
    smoothed truth has its own weight. With a sigmoid a positive is ``1 - smoothing / 2``, a negative
    ``smoothing / 2``.

    A class absent from the batch is told ``smoothing / c`` at every pixel, weight included. An all-background
    batch has no special case. A batch without a valid pixel gives 0 and zero gradients, and so does
    ``"weighted_mean"`` where every true class has the weight 0.

    Args:
        logits: Raw scores.
        target: As in `cross_entropy`.
        smoothing: Probability that is spread, between 0 and 1.
        weight: As in `cross_entropy`.
        reduction: As in `cross_entropy`; ``"weighted_mean"`` divides by the weights of the true classes.
        activation: What the channels mean, see `LossInputs`.
        positive_classes: Class index of each channel of a sigmoid; None for 1, 2, 3 and so on.
        ignore_index: Index of pixels that are left out.

    Returns:
        A scalar above 0, or a map as in `cross_entropy`.

    Raises:
        DataError: Logits and target do not belong together.
        ConfigError: ``smoothing`` is not between 0 and 1, or the weight has not one value a class.

    Example:
        >>> import torch
        >>> logits = torch.log(torch.tensor([0.25, 0.75])).view(1, 2, 1, 1)
        >>> smoothed_cross_entropy(logits, torch.tensor([[[1]]]), smoothing=0.2)  # 0.9 and 0.1 of two logs
        tensor(0.3975)
    """
    if not 0 < smoothing < 1:
        raise ConfigError(
            f"Expected smoothing between 0 and 1, but got {smoothing}. Use 0.1, or cross_entropy for none."
        )
    inputs = LossInputs(
        logits, target, activation=activation, positive_classes=positive_classes, ignore_index=ignore_index
    )
    return _smoothed(inputs, smoothing=smoothing, weight=weight, reduction=reduction)


class SmoothedSettings(PixelTermSettings):
    """Options of cross-entropy with label smoothing."""

    smoothing: float = Field(default=0.1, gt=0, lt=1)
    """Probability that is spread over all classes."""

    def label(self) -> str:
        """The loss and its own options, in words."""
        return f"cross entropy smoothed by {self.smoothing:g}"


@register_loss("smoothed_cross_entropy", SmoothedSettings)
def _build_smoothed(settings: SmoothedSettings, classes: ClassFacts) -> nn.Module:
    return _Smoothed(settings.smoothing, weight=settings.weight(classes), reduction=settings.reduction)


class _Smoothed(nn.Module):
    weight: Tensor | None

    def __init__(
        self,
        smoothing: float,
        *,
        weight: Float[Tensor, " k"] | Float[Tensor, "c 2"] | None,
        reduction: Reduction,
    ) -> None:
        super().__init__()
        self.smoothing = smoothing
        self.reduction = reduction
        self.register_buffer("weight", weight)

    def forward(self, inputs: LossInputs) -> Float[Tensor, ""]:
        return _smoothed(inputs, smoothing=self.smoothing, weight=self.weight, reduction=self.reduction)


def _smoothed(
    inputs: LossInputs,
    *,
    smoothing: float,
    weight: Float[Tensor, " k"] | Float[Tensor, "c 2"] | None,
    reduction: Reduction,
) -> Float[Tensor, "*size"]:
    values = _values(inputs, smoothing=smoothing, weight=weight)
    if reduction != "weighted_mean" or weight is None:
        return reduce_pixels(values, inputs, weight=None, reduction=reduction)
    valid = (inputs.valid if inputs.activation == "softmax" else inputs.channel_valid).to(values.dtype)
    total = reduce_pixels(valid, inputs, weight=weight, reduction="none").sum()
    # Other classes' shares of the truth cost something even where the true ones all have the weight 0.
    return (values.sum() / total.where(total > 0, 1)).where(total > 0, 0)


def _values(
    inputs: LossInputs, *, smoothing: float, weight: Tensor | None
) -> Float[Tensor, "b h w"] | Float[Tensor, "b c h w"]:
    """Weighted cross-entropy of the smoothed truth, 0 where ignored."""
    num = inputs.num_channels
    shape = (num,) if inputs.activation == "softmax" else (num, 2)
    if weight is not None and tuple(weight.shape) != shape:
        raise ConfigError(
            f"Expected weights of the shape {shape}, but got {tuple(weight.shape)}."
            " Give one a class, or for a sigmoid one pair a channel, of negatives and positives."
        )
    weights = inputs.logits.new_ones(shape) if weight is None else weight.to(inputs.logits)
    if inputs.activation == "sigmoid":
        negative, positive = weights[:, :, None, None].unbind(dim=1)
        certain = torch.where(inputs.truth, positive, negative) * inputs.bce
        by_chance = -(negative * F.logsigmoid(-inputs.logits) + positive * F.logsigmoid(inputs.logits)) / 2
        return torch.lerp(certain, by_chance, smoothing).where(inputs.channel_valid, 0)
    spread = weights[:, None, None] * (smoothing / num)
    soft_truth = torch.where(inputs.truth, spread + weights[:, None, None] * (1 - smoothing), spread)
    return (inputs.log_probs * soft_truth).sum(1).neg().where(inputs.valid, 0)
