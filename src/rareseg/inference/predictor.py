"""Tiled inference: windows in, logits of windows out, equal to whole-image inference wherever that can be."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rareseg.data.windows import pad_to_multiple, symmetric_indices, tile_grid
from rareseg.errors import DataError, OptionError
from rareseg.inference.engine import Engine
from rareseg.types import Window

__all__ = ["Predictor", "ReadWindow"]

_LEAST_DEFAULT_TILE = 1024
"""Rows and columns of a tile unless one is asked for; of networks that see far, the tile is larger."""
_HALOS = 3
"""A tile of so many halos costs 2.8 times the pixels that it gives; one of a single halo, 9 times."""

ReadWindow = Callable[[Window], NDArray[np.generic]]
"""Gives the pixels ``(c, h, w)`` of a window that lies inside the image."""


class Predictor:
    """Runs a network, held by an `Engine`, over images of any size in tiles whose result equals whole-image inference.

    Each tile is read with a halo at least as wide as the network's receptive radius and starts on a multiple
    of its stride, so every output pixel sees what it would see in the whole image. Nothing is padded inside
    the image; below and to the right of it, rows and columns are mirrored up to a multiple of the stride, as
    `Network` does for whole images.

    A network that depends on the whole image (its receptive radius is None) cannot be cut into tiles exactly. It
    gets images of up to ``whole_megapixels`` whole. A larger image goes in tiles with a halo of half a tile, each
    taken for the whole image: an approximation, of which `is_exact` tells beforehand.

    Args:
        engine: Runs the network on batches.
        tile: Rows and columns of a tile without its halo, in pixels; memory grows with its square. By default 1024, or
            three halos where that is more.
        whole_megapixels: Largest image, in millions of pixels, that a network which depends on the whole image
            gets in one piece; memory grows with it.

    Raises:
        OptionError: The tile has no pixel.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        tile: int | None = None,
        whole_megapixels: float = 4.0,
    ) -> None:
        stride, radius = engine.stride, engine.receptive_radius
        if tile is None:
            tile = max(_LEAST_DEFAULT_TILE, _HALOS * _up(radius or 0, stride))
        if tile < 1:
            raise OptionError(
                f"A tile should have at least 1 row and column, but has {tile}; give a larger one."
            )
        self.engine = engine
        self.tile = max(stride, tile // stride * stride)
        self.halo = _up(self.tile // 2 if radius is None else radius, stride)
        self.whole_pixels = None if radius is not None else round(whole_megapixels * 1e6)

    def with_tile(self, tile: int) -> Predictor:
        """The same network and limit with tiles of another size.

        Raises:
            OptionError: The size is below 1.
        """
        limit = 0.0 if self.whole_pixels is None else self.whole_pixels / 1e6
        return Predictor(self.engine, tile=tile, whole_megapixels=limit)

    def with_engine(self, engine: Engine) -> Predictor:
        """The same tiles and halo for another engine, which answers for the same network."""
        predictor = copy.copy(self)
        predictor.engine = engine
        return predictor

    def is_exact(self, height: int, width: int) -> bool:
        """Whether an image of this size gets the logits that the network has for the whole of it."""
        return self.whole_pixels is None or height * width <= self.whole_pixels

    def iterate(
        self, read: ReadWindow, height: int, width: int, *, first_row: int = 0
    ) -> Iterator[tuple[Window, Tensor]]:
        """Yield ``(window, outputs (c, h, w) float32)``; the windows partition the image, row by row of tiles.

        Args:
            read: Gives pixels of windows inside the image.
            height: Rows of the image.
            width: Columns of the image.
            first_row: Tiles that end above it are left out.

        Raises:
            DataError: The image does not have the number of bands that the network takes.
        """
        stride = self.engine.stride
        padded_height, padded_width = pad_to_multiple(height, width, stride)
        whole = self.whole_pixels is not None and self.is_exact(height, width)
        size = max(padded_height, padded_width) if whole else self.tile
        for tile in tile_grid(padded_height, padded_width, tile=size, halo=self.halo, stride=stride):
            core = tile.core
            shown = Window(
                core.row, core.col, min(core.height, height - core.row), min(core.width, width - core.col)
            )
            if shown.height <= 0 or shown.width <= 0 or shown.row + shown.height <= first_row:
                continue
            pixels = _read_mirrored(read, tile.read, height, width)
            if pixels.shape[0] != self.engine.in_channels:
                raise DataError(
                    f"The network takes images of {self.engine.in_channels} bands, but this one has "
                    f"{pixels.shape[0]}; choose bands in dataset.yaml as in training."
                )
            logits = self.engine.run(torch.from_numpy(np.require(pixels, requirements=["C", "W"]))[None])[0]
            top, left = core.row - tile.read.row, core.col - tile.read.col
            yield shown, logits[:, top : top + shown.height, left : left + shown.width]

    def one_piece(self, read: ReadWindow, height: int, width: int) -> Tensor | None:
        """The batch ``(1, c, H, W)`` that `iterate` makes of an image that goes in one piece; None of others.

        Args:
            read: Gives pixels of windows inside the image.
            height: Rows of the image.
            width: Columns of the image.
        """
        padded_height, padded_width = pad_to_multiple(height, width, self.engine.stride)
        whole = self.whole_pixels is not None and self.is_exact(height, width)
        if not whole and max(padded_height, padded_width) > self.tile:
            return None
        pixels = _read_mirrored(read, Window(0, 0, padded_height, padded_width), height, width)
        return torch.from_numpy(np.require(pixels, requirements=["C", "W"]))[None]


def _up(length: int, stride: int) -> int:
    """The next multiple of the stride."""
    return -(-length // stride) * stride


def _read_mirrored(read: ReadWindow, window: Window, height: int, width: int) -> NDArray[np.generic]:
    """Pixels of a window that may reach past the lower and right edge of the image."""
    last_row, last_col = window.row + window.height, window.col + window.width
    if last_row <= height and last_col <= width:
        return read(window)
    rows = symmetric_indices(window.row, window.height, height)
    cols = symmetric_indices(window.col, window.width, width)
    top, left = int(rows.min()), int(cols.min())
    inside = read(Window(top, left, int(rows.max()) - top + 1, int(cols.max()) - left + 1))
    return inside[:, rows - top][:, :, cols - left]
