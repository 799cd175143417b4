"""The format ``overlay``: pictures of images with their predicted regions in colour, for people to look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rareseg.artefacts import atomic_path
from rareseg.inference.file_names import file_names
from rareseg.inference.label_strip import LabelStrip
from rareseg.inference.label_writer import WRITERS, LabelSink, PredictedImage, WriterOptions
from rareseg.types import IGNORE_INDEX, Window

__all__ = ["OverlayWriter"]

_LONGEST = 4096
"""Rows or columns of a picture at most, so that viewers open it and 150 MB hold it while it is drawn."""
_OPACITY = 0.4
_SPREAD = 45.0
"""Grey levels for a standard deviation of the training pixels; almost all lie within 2.8 of them."""
_PIECE = 1024
"""Rows and columns of pixels that are read at once."""


class _Picture:
    """Draws one image, made small by a whole factor where it is large.

    A block of pixels shows the mean of their colours, and the class that most of them have among those that have any
    but the background, so that a crack of one pixel stays visible.
    """

    def __init__(self, image: PredictedImage, options: WriterOptions) -> None:
        self._image, self._options = image, options
        height, width = image.size
        self._block = -(-max(height, width) // _LONGEST)
        shape = (-(-height // self._block), -(-width // self._block))
        self._labels = np.zeros(shape, np.uint8)
        self._colors = np.zeros((*shape, 3), np.uint8)
        self._held = LabelStrip(0, np.empty((0, width), np.uint8))

    def add(self, strip: LabelStrip) -> None:
        held = self._held.joined(LabelStrip(strip.row, strip.labels))
        end = held.end
        if end < self._image.size[0]:
            end = end // self._block * self._block
        self._held = held.between(end, held.end)
        side = max(1, _PIECE // self._block) * self._block
        for row, col in product(range(held.row, end, side), range(0, self._image.size[1], side)):
            part = held.between(row, min(row + side, end))
            self._draw(Window(row, col, *part.labels[:, col : col + side].shape), part.labels)

    def entry(self) -> None:
        """The image has a file of its own."""

    def drawn(self) -> NDArray[np.uint8]:
        """The picture ``(h, w, 3)``: regions are tinted, and their edges have their full colour."""
        palette = np.array(self._options.class_table.colors, np.float32)
        padded = np.pad(self._labels, 1, mode="edge")
        inner = self._labels
        edge = np.zeros(inner.shape, bool)
        for rows, cols in ((0, 1), (2, 1), (1, 0), (1, 2)):
            edge |= padded[rows : rows + inner.shape[0], cols : cols + inner.shape[1]] != inner
        shown = (inner > 0) & (inner != IGNORE_INDEX)
        opacity = np.where(edge[shown], np.float32(1), np.float32(_OPACITY))[:, None]
        tint = palette[inner[shown]]
        self._colors[shown] = np.rint(self._colors[shown] * (1 - opacity) + tint * opacity)
        return self._colors

    def _draw(self, window: Window, labels: NDArray[np.uint8]) -> None:
        """Colours and labels of the blocks of a window; ``labels`` are those of its rows."""
        own = labels[:, window.col : window.col + window.width]
        rows, cols = (
            slice(first // self._block, -(-(first + length) // self._block))
            for first, length in ((window.row, window.height), (window.col, window.width))
        )
        best = np.zeros((rows.stop - rows.start, cols.stop - cols.start), np.int64)
        for index in range(1, self._options.class_table.num_classes):
            number = _block_sums((own == index)[None].astype(np.int64), self._block)[0]
            ahead = number > best
            self._labels[rows, cols][ahead], best[ahead] = index, number[ahead]
        self._colors[rows, cols] = self._pixels(window)

    def _pixels(self, window: Window) -> NDArray[np.uint8]:
        """Grey or colour ``(h, w, 3)`` of blocks: eight bits as they are, others set beside the training images."""
        opened, options = self._image.opened, self._options
        assert opened is not None, "an overlay shows pixels"
        fine = Window(*(opened.factor * value for value in window))
        pixels = opened.read(fine)
        bands = [0, 1, 2] if len(pixels) >= 3 else [0]
        values = pixels[bands].astype(np.float32)
        if pixels.dtype != np.uint8:
            mean, std = (
                np.array(figures, np.float32)[bands, None, None] for figures in (options.mean, options.std)
            )
            values = np.nan_to_num(128 + _SPREAD * (values - mean) / std, nan=0.0, posinf=255.0, neginf=0.0)
        side = self._block * opened.factor
        sums = _block_sums(values, side)
        number = _block_sums(np.ones((1, *values.shape[1:]), np.float32), side)
        shown = np.rint(np.clip(sums / number, 0, 255)).astype(np.uint8)
        return np.broadcast_to(shown, (3, *shown.shape[1:])).transpose(1, 2, 0)


@WRITERS.register("overlay")
class OverlayWriter:
    """Writes an RGB png for each image, of 4096 rows and columns at most.

    Args:
        options: ``out`` is the folder; ``mean`` and ``std`` scale pixels of more than eight bits.
    """

    place = "overlay"
    is_table = False
    takes_columns = False
    needs_scores = False

    def __init__(self, options: WriterOptions) -> None:
        self._options = options
        self._names = file_names(options.images)

    def has(self, name: str) -> bool:
        """Whether the picture of an image is there."""
        return (self._options.out / f"{self._names[name]}.png").is_file()

    @contextmanager
    def open(self, image: PredictedImage) -> Iterator[LabelSink]:
        """A sink for one image."""
        from PIL import Image

        picture = _Picture(image, self._options)
        yield picture
        with atomic_path(
            self._options.out / f"{self._names[image.name]}.png", scratch=self._options.scratch
        ) as temporary:
            Image.fromarray(picture.drawn()).save(temporary, format="PNG")

    def close(self, entries: Iterable[tuple[str, Iterable[str]]]) -> None:
        """Nothing is left to do."""


def _block_sums(values: NDArray[Any], side: int) -> NDArray[Any]:
    """Sums of ``(c, h, w)`` over blocks; those at the lower and right edge may be smaller."""
    if side == 1:
        return values
    rows, cols = np.arange(0, values.shape[1], side), np.arange(0, values.shape[2], side)
    return np.add.reduceat(np.add.reduceat(values, rows, axis=1), cols, axis=2)
