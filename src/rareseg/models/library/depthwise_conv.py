"""A convolution with a kernel a channel, whose gradient takes no detour on a CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["DepthwiseConv"]


class DepthwiseConv(nn.Conv2d):
    """`torch.nn.Conv2d` with one group a channel and no bias.

    For bfloat16 on a CPU, torch 2.13 takes far longer for the gradients of depthwise convolutions with a stride or a
    kernel of five than for float32. Where gradients are wanted, autocast is therefore left for these.

    Args:
        channels: Number of maps that come in and go out.
        kernel: Rows and columns of the kernels.
        stride: Of the output.
        padding: Rows and columns of zeros on every side.

    Example:
        >>> DepthwiseConv(4, kernel=3, stride=2, padding=1)(torch.zeros(1, 4, 8, 8)).shape
        torch.Size([1, 4, 4, 4])
    """

    def __init__(self, channels: int, *, kernel: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__(channels, channels, kernel, stride, padding, groups=channels, bias=False)
        self._is_slow = stride > 1 or kernel > 3

    def forward(self, maps: Tensor) -> Tensor:
        """Maps ``(b, c, h, w)``, of the number type that came in where autocast would have made it so."""
        if (
            self._is_slow
            and maps.device.type == "cpu"
            and torch.is_grad_enabled()
            and torch.is_autocast_enabled("cpu")
        ):
            with torch.autocast("cpu", enabled=False):
                return super().forward(maps.float()).to(torch.get_autocast_dtype("cpu"))
        return super().forward(maps)
