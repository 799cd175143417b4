"""Boundary loss: a wrong pixel costs its distance from the true boundary (arXiv 1812.07032)."""

from __future__ import annotations

import torch
from jaxtyping import Float, Integer
from torch import Tensor, nn

from rareseg.errors import ConfigError
from rareseg.losses.inputs import Activation, LossInputs
from rareseg.losses.region_term import RegionReduction, RegionSettings
from rareseg.losses.signed_distances import signed_distances
from rareseg.losses.term import ClassFacts, register_loss
from rareseg.types import IGNORE_INDEX

__all__ = ["boundary"]


def boundary(
    logits: Float[Tensor, "b c h w"],
    target: Integer[Tensor, "b h w"] | Integer[Tensor, "b c h w"],
    *,
    reduction: RegionReduction = "batch",
    channels: tuple[int, ...] | None = None,
    activation: Activation = "softmax",
    positive_classes: tuple[int, ...] | None = None,
    ignore_index: int = IGNORE_INDEX,
) -> Float[Tensor, ""]:
    """Mean over pixels and classes of the error of the probability times the distance from the true boundary.

    Sum it with a loss of regions, such as `dice`, as the authors do: it is a mean over all pixels, in which a
    rare class weighs little, and it says nothing about a class that has no boundary in an image. The gradient is
    that of the paper's ``distance * p`` (equation 5), and the value differs by a constant that makes an exact
    answer cost 0. The boundary runs between pixels and ends at the patch, see `signed_distances`; the authors
    draw it through the outermost pixels of the class, half a pixel further in, and so miss thin cracks at no
    cost.

    A class that is absent from an image, or fills its valid pixels, has no boundary there and adds nothing to
    value and gradient, its pixels still counting in the mean. So an all-background batch gives 0 and zero
    gradients, as does one without a valid pixel.

    Args:
        logits: Raw scores.
        target: As in `dice`.
        reduction: ``"batch"``: the mean over all valid pixels; ``"image"``: the mean over images of theirs.
        channels: Channels that the mean is over; None for all. The authors leave the background out.
        activation: What the channels mean, see `LossInputs`.
        positive_classes: Class index of each channel of a sigmoid; None for 1, 2, 3 and so on.
        ignore_index: Index of pixels that are left out.

    Returns:
        A scalar of at least 0, in pixels.

    Raises:
        DataError: Logits and target do not belong together.
        ConfigError: ``reduction`` is unknown.

    Example:
        >>> probs = torch.tensor([[0.8, 0.9, 1.0], [0.2, 0.1, 0.0]])  # classes by pixels
        >>> logits = probs.clamp_min(1e-9).log().view(1, 2, 1, 3)
        >>> boundary(logits, torch.tensor([[[1, 0, 0]]]))  # 0.5 * 0.8 + 0.5 * 0.1 + 1.5 * 0 for both, over 3
        tensor(0.1500)
    """
    if reduction not in ("batch", "image"):
        raise ConfigError(f"Expected reduction 'batch' or 'image', but got '{reduction}'. Use one of them.")
    inputs = LossInputs(
        logits, target, activation=activation, positive_classes=positive_classes, ignore_index=ignore_index
    )
    chosen = tuple(range(inputs.num_channels)) if channels is None else channels
    value: Tensor = _Boundary(reduction=reduction, channels=chosen)(inputs)
    return value


class BoundarySettings(RegionSettings):
    """Options of the boundary loss: those of every loss of regions."""


@register_loss("boundary", BoundarySettings)
def _build_boundary(settings: BoundarySettings, classes: ClassFacts) -> nn.Module:
    return _Boundary(reduction=settings.reduction, channels=settings.channels(classes))


class _Boundary(nn.Module):
    def __init__(self, *, reduction: RegionReduction, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.reduction = reduction
        self.channels = channels

    def forward(self, inputs: LossInputs) -> Float[Tensor, ""]:
        probs, truth, valid = (
            self._pick(part) for part in (inputs.probs, inputs.truth, inputs.channel_valid)
        )
        distances = signed_distances(truth, valid).to(probs.dtype)
        # Inside the class both factors are negative. Ignored pixels have the distance 0.
        costs = (distances * (probs - truth.to(probs.dtype))).sum((1, 2, 3))
        pixels = valid.sum((1, 2, 3))
        if self.reduction == "batch":
            return costs.sum() / pixels.sum().clamp_min(1)
        return (costs / pixels.clamp_min(1)).sum() / (pixels > 0).sum().clamp_min(1)

    def _pick(self, values: Tensor) -> Tensor:
        if self.channels == tuple(range(values.shape[1])):
            return values
        return torch.stack([values[:, channel] for channel in self.channels], dim=1)
