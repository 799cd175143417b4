"""Normalisation layers by name."""

from __future__ import annotations

from typing import Literal

from torch import nn

__all__ = ["NormName", "build_norm"]

NormName = Literal["batch", "group"]
"""``batch``: statistics of each channel over the batch; ``group``: of groups of channels of one image."""

_MOST_GROUPS = 8


def build_norm(name: NormName, channels: int, *, momentum: float = 0.1, eps: float = 1e-3) -> nn.Module:
    """Make a layer that normalises feature maps.

    Group norm (arXiv 1803.08494) has up to eight groups, as many as divide the channels. A group has two channels
    at least, where there are two, so that a map of one pixel can still be normalised. Its statistics are over the
    whole map: an output pixel then depends on the whole image.

    Args:
        name: ``batch`` or ``group``.
        channels: Channels of the maps.
        momentum: Share of the new batch in the running statistics of batch norm.
        eps: Added to the variance.

    Example:
        >>> build_norm("group", 12).num_groups
        6
    """
    if name == "batch":
        return nn.BatchNorm2d(channels, momentum=momentum, eps=eps)
    groups = max(n for n in range(1, _MOST_GROUPS + 1) if channels % n == 0 and (n == 1 or channels // n > 1))
    return nn.GroupNorm(groups, channels, eps=eps)
