"""Terms made of sums over regions: Dice, Jaccard, Tversky and their kin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from jaxtyping import Float
from pydantic import Field, field_validator
from torch import Tensor, nn

from rareseg.errors import ConfigError, OptionError
from rareseg.losses.inputs import LossInputs, RegionSums
from rareseg.losses.term import ClassFacts, TermSettings

__all__ = [
    "ClassLoss",
    "OverlapSettings",
    "RegionReduction",
    "RegionSettings",
    "RegionTerm",
    "overlap_loss",
    "reduce_regions",
]

RegionReduction = Literal["batch", "image"]
"""batch: the pixels of all images together make one region a class; image: the mean over the images' own."""

ClassLoss = Callable[[RegionSums], Tensor]
"""From sums to one loss for each image (or the batch) and channel."""


class RegionSettings(TermSettings):
    """Options of every loss of overlap."""

    reduction: RegionReduction = "batch"
    """batch: one region a class over all images of a batch; image: a region for each image, averaged."""
    classes: Literal["all", "foreground"] | tuple[str, ...] = "all"
    """all, foreground (all but the first class), or names; the mean is over these."""

    @field_validator("classes", mode="before")
    @classmethod
    def _known_form(cls, value: Any) -> Any:
        if isinstance(value, str) and value not in ("all", "foreground"):
            raise ValueError(f"give all, foreground or a list of class names, such as [{value}]")
        return value

    def channels(self, classes: ClassFacts) -> tuple[int, ...]:
        """The channels that the mean is over.

        Raises:
            UnknownNameError: No channel belongs to a class of a given name.
            OptionError: No channel is left, or one is named twice.
        """
        if self.classes == "all":
            return tuple(range(len(classes.positive_classes)))
        if self.classes == "foreground":
            chosen = tuple(channel for channel, index in enumerate(classes.positive_classes) if index != 0)
        else:
            chosen = classes.channels_of(self.classes)
        if not chosen or len(set(chosen)) < len(chosen):
            raise OptionError(
                f"'classes' of the loss '{self.name}' must leave at least one class and name each once, but got"
                f" {self.classes if isinstance(self.classes, str) else list(self.classes)}. Mend the list."
            )
        return chosen

    def options(self) -> list[str]:
        """The loss's own options, in words, where they differ from the usual."""
        return []

    def summary(self) -> str:
        """The loss and its options, in words."""
        words = [super().summary(), *self.options()]
        if self.classes != "all":
            words.append(f"of {self.classes if self.classes == 'foreground' else ', '.join(self.classes)}")
        if self.reduction == "image":
            words.append("by image")
        return " ".join(words)


class OverlapSettings(RegionSettings):
    """Options of a loss of overlap that may be smoothed."""

    smooth: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """Pixels added above and below the line of the ratio."""

    def options(self) -> list[str]:
        """The smoothing, in words."""
        return [f"smooth={self.smooth:g}"] if self.smooth else []


class RegionTerm(nn.Module):
    """Averages a loss of overlap over classes, and over images where it is counted by image.

    Args:
        class_loss: From `RegionSums` of the chosen channels to a loss of each.
        reduction: See `RegionReduction`.
        channels: Channels that the mean is over.
    """

    reads_regions = True
    """Tells `Loss` to sum regions in the pass over the logits that all terms share."""

    def __init__(
        self, class_loss: ClassLoss, *, reduction: RegionReduction, channels: tuple[int, ...]
    ) -> None:
        super().__init__()
        self.class_loss = class_loss
        self.reduction = reduction
        self.channels = channels

    def forward(self, inputs: LossInputs) -> Float[Tensor, ""]:
        """Loss of the batch."""
        return reduce_regions(self.class_loss, inputs, reduction=self.reduction, channels=self.channels)


def reduce_regions(
    class_loss: ClassLoss,
    inputs: LossInputs,
    *,
    reduction: RegionReduction,
    channels: tuple[int, ...] | None = None,
) -> Float[Tensor, ""]:
    """Mean of a loss over channels and images; images without a valid pixel do not count.

    Args:
        class_loss: From sums to one loss an image (or one for the batch) and channel.
        inputs: The batch.
        reduction: See `RegionReduction`.
        channels: Channels that the mean is over; None for all.

    Raises:
        ConfigError: The reduction is unknown.
    """
    if reduction not in ("batch", "image"):
        raise ConfigError(f"Expected reduction 'batch' or 'image', but got '{reduction}'. Use one of them.")
    sums = inputs.regions
    if channels is not None and channels != tuple(range(inputs.num_channels)):
        # Stacked, since an index made of a list would have to be carried to the device.
        sums = RegionSums(*(torch.stack([part[:, c] for c in channels], dim=1) for part in sums))
    if reduction == "batch":
        sums = RegionSums(*(part.sum(dim=0, keepdim=True) for part in sums))
    counted = sums.valid > 0
    return class_loss(sums).where(counted, 0).sum() / counted.sum().clamp_min(1)


def overlap_loss(
    sums: RegionSums, numerator: Float[Tensor, "u c"], denominator: Float[Tensor, "u c"]
) -> Float[Tensor, "u c"]:
    """1 minus a ratio of overlap; for a class without a true pixel, its mean probability.

    Without a true pixel a ratio of overlap is constant, or nearly so, and would let every false positive
    pass. The mean probability over the valid pixels is 0 exactly where nothing is predicted, and has the slope
    ``1 / valid`` everywhere.
    """
    present = sums.true > 0
    ratio = numerator / denominator.where(present, 1)
    # The sums are rounded apart from each other: a perfect ratio may come out above 1.
    return torch.where(present, (1 - ratio).clamp_min(0), sums.predicted / sums.valid.clamp_min(1))
