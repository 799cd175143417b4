"""What every loss term reads: one batch's logits and target, with the shared steps done once."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64, Integer
from torch import Tensor

from rareseg.errors import ConfigError, DataError, UnknownNameError
from rareseg.losses.softmax_pass import softmax_pass, sum_by_class
from rareseg.types import IGNORE_INDEX

__all__ = ["Activation", "LossInputs", "RegionSums"]

Activation = Literal["softmax", "sigmoid"]
"""softmax: one channel a class, which compete; sigmoid: one channel a class of interest, each on its own."""


class RegionSums(NamedTuple):
    """Sums over the valid pixels of each image and channel: what losses of overlap are made of."""

    intersection: Float[Tensor, "b c"]
    """Probability of the channel's class, over the pixels of that class."""
    predicted: Float[Tensor, "b c"]
    """Probability of the channel's class, over all valid pixels."""
    true: Float[Tensor, "b c"]
    """Number of pixels of the channel's class."""
    valid: Float[Tensor, "b c"]
    """Number of valid pixels."""


class LossInputs:
    """Logits and target of one batch; what several terms need is computed at its first use and kept.

    Logits of 16 bits are widened to float32 here, so no term works in less.

    With ``activation="softmax"`` the target is an index map. With ``"sigmoid"`` it is either that, and the
    truth of channel ``j`` is whether a pixel belongs to class ``positive_classes[j]``, or a map of 0, 1 and
    ``ignore_index`` for each channel, where classes may overlap and a pixel may be ignored in one channel
    only.

    Args:
        logits: Raw scores: one channel a class, or one channel a positive class.
        target: Class index of each pixel, or the multilabel map.
        activation: What the channels mean.
        positive_classes: Only for sigmoid: the class index of each channel; None for 1, 2, 3 and so on.
        ignore_index: Index of pixels that neither count nor receive a gradient.
        regions: Whether `regions` will be read: it then comes from one pass together with the rest.

    Raises:
        DataError: The shapes do not belong together or the target holds no whole numbers.
        ConfigError: ``positive_classes`` does not name one class a channel, or stands beside a softmax.

    Example:
        >>> inputs = LossInputs(torch.zeros(1, 4, 1, 2), torch.tensor([[[2, 255]]]))
        >>> inputs.nll
        tensor([[[1.3863, 0.0000]]])
        >>> inputs.num_valid
        tensor(1)
        >>> crack = LossInputs(
        ...     torch.zeros(1, 1, 1, 2), torch.tensor([[[2, 1]]]), activation="sigmoid", positive_classes=(2,)
        ... )
        >>> crack.truth
        tensor([[[[ True, False]]]])
    """

    def __init__(
        self,
        logits: Float[Tensor, "b c h w"],
        target: Integer[Tensor, "b h w"] | Integer[Tensor, "b c h w"],
        *,
        activation: Activation = "softmax",
        positive_classes: tuple[int, ...] | None = None,
        ignore_index: int = IGNORE_INDEX,
        regions: bool = False,
    ) -> None:
        if activation not in ("softmax", "sigmoid"):
            raise UnknownNameError("activation", activation, ("softmax", "sigmoid"))
        self.activation = activation
        _check_tensors(logits, target, activation)
        wide = logits.dtype in (torch.float32, torch.float64)
        self.logits: Float[Tensor, "b c h w"] = logits if wide else logits.float()
        self.target: Int64[Tensor, "b h w"] | Int64[Tensor, "b c h w"] = target.long()
        self.positive_classes = _positives(positive_classes, logits.shape[1], activation)
        """Class index of each channel of a sigmoid; empty for a softmax."""
        self.ignore_index = ignore_index
        self.is_multilabel = target.ndim == 4
        """Whether the target has a map for each channel."""
        counts = self.target != ignore_index
        self.valid: Bool[Tensor, "b h w"] = counts.any(dim=1) if self.is_multilabel else counts
        """Pixels that count; of a multilabel target, those that count in some channel."""
        self.channel_valid: Bool[Tensor, "b c h w"] = (
            counts if self.is_multilabel else counts[:, None].expand_as(self.logits)
        )
        """Pixels that count in each channel."""
        num = counts.sum()
        per_pixel = logits.shape[1] if activation == "sigmoid" and not self.is_multilabel else 1
        self.num_valid: Int64[Tensor, ""] = num * per_pixel
        """Number of values that a mean is over, left on the device: pixels, or pixels of all sigmoid channels."""
        self._all_valid = False
        if num.device.type == "cpu" and not torch.compiler.is_compiling():
            self._all_valid = int(num) == counts.numel()  # elsewhere asking means waiting for the device
        self._with_regions = regions
        # Not functools.cached_property: its lock cannot be traced by torch.compile before Python 3.12.
        self._known_target: Tensor | None = None
        self._truth: Tensor | None = None
        self._log_probs: Tensor | None = None
        self._nll: Tensor | None = None
        self._probs: Tensor | None = None
        self._bce: Tensor | None = None
        self._shares: tuple[Tensor, Tensor] | None = None
        self._regions: RegionSums | None = None

    @property
    def num_channels(self) -> int:
        """Channels of the logits."""
        return self.logits.shape[1]

    @property
    def truth(self) -> Bool[Tensor, "b c h w"]:
        """Whether a pixel belongs to the class of a channel; False where ignored."""
        if self._truth is None:
            if self.is_multilabel:
                truth = self.target == 1
            elif self.activation == "sigmoid":
                truth = torch.stack([self.target == index for index in self.positive_classes], dim=1)
            else:
                classes = torch.arange(self.num_channels, device=self.target.device)
                truth = self.target[:, None] == classes[:, None, None]
            self._truth = truth & self.channel_valid
        return self._truth

    @property
    def known_target(self) -> Int64[Tensor, "b h w"] | Int64[Tensor, "b c h w"]:
        """The target with 0 where ignored, to look things up by."""
        if self._known_target is None:
            known = self.target
            if not self._all_valid:
                known = known.where(known != self.ignore_index, 0)
            self._known_target = known
        return self._known_target

    @property
    def log_probs(self) -> Float[Tensor, "b c h w"]:
        """Logarithm of the softmax over the classes, ignored pixels included; only for softmax."""
        assert self.activation == "softmax"
        if self._log_probs is None:
            self._log_probs = F.log_softmax(self.logits, dim=1)
        return self._log_probs

    @property
    def nll(self) -> Float[Tensor, "b h w"]:
        """Minus the log-probability of the true class; exactly 0 where ignored; only for softmax."""
        if self._nll is None:
            self._pass_softmax(regions=self._with_regions)
        assert self._nll is not None
        return self._nll

    @property
    def bce(self) -> Float[Tensor, "b c h w"]:
        """Minus the log-probability of each channel's truth; exactly 0 where ignored; only for sigmoid."""
        assert self.activation == "sigmoid"
        if self._bce is None:
            values = F.binary_cross_entropy_with_logits(
                self.logits, self.truth.to(self.logits.dtype), reduction="none"
            )
            self._bce = values if self._all_valid else values.where(self.channel_valid, 0)
        return self._bce

    @property
    def probs(self) -> Float[Tensor, "b c h w"]:
        """Probability of each channel's class; 0 where ignored."""
        if self._probs is None:
            if self.activation == "softmax":
                self._pass_softmax(regions=self._with_regions)
            else:
                values = self.logits.sigmoid()
                self._probs = values if self._all_valid else values.where(self.channel_valid, 0)
        assert self._probs is not None
        return self._probs

    @property
    def regions(self) -> RegionSums:
        """Sums of probability and of truth by image and channel."""
        if self._regions is None:
            if self.activation == "sigmoid":
                intersection, predicted = (self.probs * self.truth).sum((2, 3)), self.probs.sum((2, 3))
                true = self.truth.sum((2, 3))
            else:
                if self._shares is None:
                    self._pass_softmax(regions=True)
                assert self._shares is not None
                intersection, predicted = self._shares
                true = sum_by_class(self.valid, self.known_target, num_classes=self.num_channels)
            if self.is_multilabel:
                valid = self.channel_valid.sum((2, 3))
            else:
                valid = self.valid.sum((1, 2))[:, None].expand_as(predicted)
            self._regions = RegionSums(intersection, predicted, true.to(predicted), valid.to(predicted))
        return self._regions

    def _pass_softmax(self, *, regions: bool) -> None:
        assert self.activation == "softmax"
        valid = None if self._all_valid else self.valid
        self._nll, self._probs, intersection, predicted = softmax_pass(
            self.logits, self.known_target, valid, regions=regions
        )
        if intersection is not None and predicted is not None:
            self._shares = intersection, predicted


def _check_tensors(logits: Tensor, target: Tensor, activation: Activation) -> None:
    shapes = [(logits.shape[0], *logits.shape[2:])]
    if activation == "sigmoid":
        shapes.append(tuple(logits.shape))
    if logits.ndim != 4 or tuple(target.shape) not in shapes:
        multilabel = " or (b, c, h, w)" if activation == "sigmoid" else ""
        cure = "" if activation == "softmax" else ", or one map of 0 and 1 a channel"
        raise DataError(
            f"Expected logits (b, c, h, w) and a target (b, h, w){multilabel} of the same batch and size, but got"
            f" {tuple(logits.shape)} and {tuple(target.shape)}. Give the target as class indices{cure}."
        )
    if target.is_floating_point() or target.is_complex() or target.dtype == torch.bool:
        raise DataError(
            f"Expected a target of whole numbers, but got {target.dtype}. Convert it: target.long()"
        )


def _positives(given: tuple[int, ...] | None, num_channels: int, activation: Activation) -> tuple[int, ...]:
    if activation == "softmax":
        if given is not None:
            raise ConfigError(
                "'positive_classes' has no effect on a softmax, which has a channel for every class."
                " Leave it out or use activation 'sigmoid'."
            )
        return ()
    positives = tuple(range(1, num_channels + 1)) if given is None else given
    if len(positives) != num_channels:
        raise ConfigError(
            f"Expected one positive class for each of {num_channels} channels, but got {len(positives)}."
            " Name the class of every channel in 'positive_classes'."
        )
    return positives
