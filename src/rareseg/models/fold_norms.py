"""Batch norms folded into the convolutions before them, for inference."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import TypeVar

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

__all__ = ["fold_norms"]

M = TypeVar("M", bound=nn.Module)


def fold_norms(module: M) -> M:
    """A copy in eval mode whose convolutions do the work of the batch norms that follow them.

    Outputs are the same up to rounding, one pass over memory a norm is saved. Only convolutions and norms that follow
    each other in an ``nn.Sequential`` are joined, which the models of this package are made of; others stay.

    Args:
        module: Any module; it is not changed.

    Example:
        >>> import torch
        >>> block = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU()).eval()
        >>> folded = fold_norms(block)
        >>> pixels = torch.ones(1, 1, 3, 3)
        >>> type(folded[1]).__name__, torch.allclose(folded(pixels), block(pixels))
        ('Identity', True)
    """
    folded = copy.deepcopy(module).eval()
    for part in folded.modules():
        if not isinstance(part, nn.Sequential):
            continue
        children = list(part._modules.items())
        for (name, conv), (next_name, norm) in pairwise(children):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d) and norm.track_running_stats:
                part._modules[name] = fuse_conv_bn_eval(conv, norm)
                part._modules[next_name] = nn.Identity()
    return folded
