"""U-Net++: a U-Net whose skip connections are dense paths of blocks.

Source: arXiv 1807.10165 and 1912.05074; Mars report of team Annamo.
"""

from __future__ import annotations

from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from rareseg.models.blocks import ConvBlock, Join, he_initialise
from rareseg.models.pyramid import pyramid
from rareseg.models.receptive_radius import receptive_radius
from rareseg.models.registry import ModelSettings, register_model
from rareseg.models.residual_block import ResidualBlock

__all__ = ["UNetPlusPlus"]


class UNetPlusPlusSettings(ModelSettings):
    """Options of `UNetPlusPlus`."""

    base_channels: int = Field(default=32, ge=1)
    """Maps of the first level; each level below has twice as many."""
    depth: int = Field(default=4, ge=1, le=6)
    """Number of poolings."""
    residual: bool = True
    """Residual blocks in place of plain ones."""
    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of the maps that become 0 before the output layer while training."""


class UNetPlusPlus(nn.Module):
    """U-Net++ (arXiv 1807.10165 and 1912.05074), by default with the residual blocks of the Mars report of team Annamo.

    Node ``(level, column)`` reads all nodes before it on its level and the node one level below and one column
    before, brought up by a 2 x 2 transposed convolution; column 0 is the encoder (equation 1 of the paper). The
    logits are a 1 x 1 convolution of the last node of the first level. Before it, whole maps are dropped while
    training (spatial dropout), as in the document, which gives no share. There is no deep supervision, which the
    document does not use either.

    Args:
        in_channels: Bands of the image.
        num_classes: Channels of the logits.
        base_channels: Maps of the first level.
        depth: Number of poolings.
        residual: Residual blocks in place of plain ones.
        dropout: Share of the maps that become 0 before the output layer while training.

    Example:
        >>> import torch
        >>> model = UNetPlusPlus(3, 5, base_channels=4, depth=3)
        >>> model.stride, model.receptive_radius
        (8, 51)
        >>> model(torch.zeros(1, 3, 32, 48)).shape
        torch.Size([1, 5, 32, 48])
    """

    ENCODER = ("encoder", "pool")
    """Modules that only `encode` uses."""

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        base_channels: int = 32,
        depth: int = 4,
        residual: bool = True,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        block = ResidualBlock if residual else ConvBlock
        widths = [base_channels * 2**level for level in range(depth + 1)]
        self.in_channels = in_channels
        self.num_classes = num_classes
        self.stride = 2**depth
        self.receptive_radius = receptive_radius(
            lambda first, last: _reads(0, depth, first, last), stride=self.stride
        )
        self.encoder = nn.ModuleList(
            block(incoming, width) for incoming, width in zip([in_channels, *widths], widths, strict=False)
        )
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ModuleDict()
        self.nodes = nn.ModuleDict()
        for level, column in _order(depth):
            width = widths[level]
            self.up[f"{level}_{column}"] = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
            self.nodes[f"{level}_{column}"] = block((column + 1) * width, width)
        self.join = Join()
        self.dropout = nn.Dropout2d(dropout) if dropout else None
        self.head = nn.Conv2d(base_channels, num_classes, 1)
        he_initialise(self)

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """Logits of a normalised image whose height and width are multiples of ``stride``."""
        return self.decode(self.encode(image))

    def encode(self, image: Float[Tensor, "b c h w"]) -> list[Tensor]:
        """Feature maps of column 0, finest first."""
        return pyramid(self.encoder, self.pool, image)

    def decode(self, maps: list[Tensor]) -> Float[Tensor, "b k h w"]:
        """Logits from the maps of `encode`."""
        levels = [[features] for features in maps]
        for level, column in _order(len(maps) - 1):
            name = f"{level}_{column}"
            below = self.up[name](levels[level + 1][column - 1])
            levels[level].append(self.nodes[name](self.join(*levels[level], below)))
        features = levels[0][-1]
        logits: Tensor = self.head(features if self.dropout is None else self.dropout(features))
        return logits


@register_model("unetplusplus", UNetPlusPlusSettings, shares_encoder=True)
def _build_unetplusplus(settings: UNetPlusPlusSettings, in_channels: int, num_classes: int) -> UNetPlusPlus:
    return UNetPlusPlus(in_channels, num_classes, **settings.model_dump(exclude={"name"}))


def _order(depth: int) -> list[tuple[int, int]]:
    """Level and column of every node beyond the encoder, each after all that it reads."""
    return [(level, column) for column in range(1, depth + 1) for level in range(depth + 1 - column)]


def _reads(level: int, column: int, first: int, last: int) -> tuple[int, int]:
    """Input pixels that a stretch of a node's pixels depends on."""
    first, last = first - 2, last + 2  # the node's block
    if column:
        # The node before it sees all that earlier ones on this level see, with a block more.
        beside = _reads(level, column - 1, first, last)
        below = _reads(level + 1, column - 1, first // 2, last // 2)
        return min(beside[0], below[0]), max(beside[1], below[1])
    return _reads(level - 1, 0, 2 * first, 2 * last + 1) if level else (first, last)
