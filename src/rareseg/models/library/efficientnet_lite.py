"""EfficientNet-Lite as an encoder: EfficientNet without squeeze-and-excitation, and with ReLU6."""

from __future__ import annotations

from math import ceil
from typing import cast

from jaxtyping import Float
from torch import Tensor, nn

from rareseg.models.library.depthwise_conv import DepthwiseConv

__all__ = ["EfficientNetLite"]

# Of EfficientNet-B0: blocks, kernel, stride of the first block, expansion, channels.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_SCALES = {0: (1.0, 1.0), 1: (1.0, 1.1), 2: (1.1, 1.2)}
"""Factors of channels and of blocks of the variants for which weights exist."""
_STEM_CHANNELS = 32
_EPS = 1e-3
"""Of batch norm; the published weights were trained with it."""


class EfficientNetLite(nn.Module):
    """The convolutions of EfficientNet-Lite (arXiv 1905.11946, without the squeeze-and-excitation).

    Strided convolutions pad as TensorFlow's 'same' does for sizes that are multiples of the stride: a row and a
    column less at the top and left than at the bottom and right. So the published weights meet the pixels that
    they were trained on, and an output pixel always reads the same pixels relative to its own place. Stochastic
    depth, a way to train classifiers over hundreds of epochs, is left out, and so are the layers after the last
    map.

    Args:
        in_channels: Bands of the image.
        variant: 0, 1 or 2: more channels and blocks.
        depth: Number of halvings, 1 to 5; blocks below are not made.
        momentum: Share of the new batch in the running statistics of batch norm.

    Example:
        >>> import torch
        >>> encoder = EfficientNetLite(3)
        >>> [tuple(maps.shape[1:]) for maps in encoder(torch.zeros(1, 3, 64, 96))]
        [(16, 32, 48), (24, 16, 24), (40, 8, 12), (112, 4, 6), (320, 2, 3)]
    """

    def __init__(self, in_channels: int, *, variant: int = 0, depth: int = 5, momentum: float = 0.1) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.variant = variant
        self.stem = _ConvNorm(in_channels, _STEM_CHANNELS, kernel=3, stride=2, momentum=momentum)
        self.blocks = nn.ModuleList()
        self.channels: list[int] = []
        """Of each map that `forward` gives."""
        self.last_blocks: list[int] = []
        """Number of the block that makes each map."""
        width, repeat = _SCALES[variant]
        incoming = _STEM_CHANNELS
        for stage, (blocks, kernel, stride, expansion, base) in enumerate(_STAGES):
            if stride == 2 and len(self.channels) == depth:
                break
            channels = _round_to_eight(base * width)
            ends = stage in (0, len(_STAGES) - 1)  # in the Lite variants, these have always one block
            for number in range(blocks if ends else ceil(blocks * repeat)):
                first = number == 0
                block = _InvertedResidual(
                    incoming,
                    channels,
                    kernel=kernel,
                    stride=stride if first else 1,
                    expansion=expansion,
                    momentum=momentum,
                )
                self.blocks.append(block)
                incoming = channels
            if stride == 2 or stage == 0:
                self.channels.append(channels)
                self.last_blocks.append(len(self.blocks) - 1)
            else:
                self.channels[-1], self.last_blocks[-1] = channels, len(self.blocks) - 1

    def forward(self, image: Float[Tensor, "b c h w"]) -> list[Tensor]:
        """The last map of each resolution, finest (half of the image's) first.

        Args:
            image: Height and width are multiples of ``2 ** depth``.
        """
        maps = []
        features = self.stem(image)
        for number, block in enumerate(self.blocks):
            features = block(features)
            if number in self.last_blocks:
                maps.append(features)
        return maps

    def span(self, level: int, low: int, high: int) -> tuple[int, int]:
        """First and last row of the map above that rows ``low`` to ``high`` of a map are made from.

        Args:
            level: Number of the map in what `forward` gives; the image is above map 0.
            low: First row.
            high: Last row.
        """
        start = self.last_blocks[level - 1] + 1 if level else 0
        layers = [*self.blocks[start : self.last_blocks[level] + 1]]
        for layer in reversed(layers if level else [self.stem, *layers]):
            for module in reversed(list(layer.modules())):
                if isinstance(module, nn.Conv2d):
                    kernel, stride = module.kernel_size[0], module.stride[0]
                    before = (kernel - stride) // 2
                    low, high = low * stride - before, high * stride - before + kernel - 1
        return low, high


class _ConvNorm(nn.Sequential):
    """Convolution without bias, batch norm and, unless it is told otherwise, ReLU6."""

    def __init__(
        self,
        incoming: int,
        channels: int,
        *,
        kernel: int = 1,
        stride: int = 1,
        is_depthwise: bool = False,
        active: bool = True,
        momentum: float,
    ) -> None:
        super().__init__()
        before, after = (kernel - stride) // 2, (kernel - stride + 1) // 2
        if before != after:
            self.add_module("pad", nn.ZeroPad2d((before, after, before, after)))
        padding = before if before == after else 0
        convolution = (
            DepthwiseConv(channels, kernel=kernel, stride=stride, padding=padding)
            if is_depthwise
            else nn.Conv2d(incoming, channels, kernel, stride, padding, bias=False)
        )
        self.add_module("conv", convolution)
        self.add_module("norm", nn.BatchNorm2d(channels, momentum=momentum, eps=_EPS))
        if active:
            self.add_module("relu", nn.ReLU6(inplace=True))


class _InvertedResidual(nn.Module):
    """More channels, one convolution a channel, fewer channels again (arXiv 1801.04381)."""

    def __init__(
        self, incoming: int, channels: int, *, kernel: int, stride: int, expansion: int, momentum: float
    ) -> None:
        super().__init__()
        hidden = incoming * expansion
        self.adds = stride == 1 and incoming == channels
        layers = {}
        if expansion > 1:
            layers["expand"] = _ConvNorm(incoming, hidden, momentum=momentum)
        layers["depthwise"] = _ConvNorm(
            hidden, hidden, kernel=kernel, stride=stride, is_depthwise=True, momentum=momentum
        )
        layers["project"] = _ConvNorm(hidden, channels, active=False, momentum=momentum)
        self.layers = nn.Sequential()
        for name, layer in layers.items():
            self.layers.add_module(name, layer)

    def forward(self, features: Float[Tensor, "b c1 h w"]) -> Float[Tensor, "b c2 H W"]:
        """Maps of half the size where the stride is 2."""
        out = cast(Tensor, self.layers(features))
        return out + features if self.adds else out


def _round_to_eight(channels: float) -> int:
    """The nearest multiple of 8, or the next one where that would lose more than a tenth."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded
