"""Patches of pixels for training, cut from a list of regions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rareseg.data.free_memory import free_memory
from rareseg.data.region_pixels import RegionPixels, SourcePixels, load_pixels, map_pixels
from rareseg.data.source import Source
from rareseg.data.windows import clamp_window, symmetric_indices
from rareseg.errors import OptionError
from rareseg.types import IGNORE_INDEX, Region, Window

__all__ = ["PixelStore", "StoreKind", "open_store"]

StoreKind = Literal["auto", "memory", "memmap", "source"]

MEMORY_SHARE = 0.4
"""Part of the free memory that decoded pixels may take; the rest is for the model and its activations."""


class PixelStore:
    """Gives patches of regions; pixels outside the regions cannot be reached. Made by `open_store`.

    Args:
        pixels: Where the pixels come from.
        regions: The regions that patches are cut from.
        num_bands: Bands of every image.
        dtype: Number type of every image.
    """

    def __init__(
        self, pixels: RegionPixels, regions: Sequence[Region], *, num_bands: int, dtype: np.dtype[Any]
    ) -> None:
        self._pixels = pixels
        self.regions = tuple(regions)
        self.num_bands = num_bands
        self.dtype = dtype

    def fetch(
        self, region_index: ArrayLike, rows: ArrayLike, cols: ArrayLike, *, height: int, width: int
    ) -> tuple[NDArray[Any], NDArray[np.uint8]]:
        """Cut patches, which may reach outside their region: there, pixels are mirrored and the mask is 255.

        Args:
            region_index: ``(b,)`` number of the region of each patch.
            rows: ``(b,)`` first row, counted from the region's own corner.
            cols: ``(b,)`` first column.
            height: Rows of every patch.
            width: Columns of every patch.

        Returns:
            Images ``(b, c, height, width)`` in their own numbers and masks ``(b, height, width)``.
        """
        places = np.stack([np.asarray(region_index), np.asarray(rows), np.asarray(cols)], axis=1).tolist()
        images = np.empty((len(places), self.num_bands, height, width), self.dtype)
        masks = np.empty((len(places), height, width), np.uint8)
        for number, (index, row, col) in enumerate(places):
            frame = self.regions[index].window
            window = Window(row, col, height, width)
            if row >= 0 and col >= 0 and row + height <= frame.height and col + width <= frame.width:
                images[number], masks[number] = self._pixels.read(index, window)
            else:
                self._fill_mirrored(images[number], masks[number], index, window)
        return images, masks

    def read_region(self, index: int) -> tuple[NDArray[Any], NDArray[np.uint8]]:
        """Image ``(c, h, w)`` and mask ``(h, w)`` of a whole region, as copies."""
        frame = self.regions[index].window
        image, mask = self._pixels.read(index, Window(0, 0, frame.height, frame.width))
        return np.array(image), np.array(mask)

    def _fill_mirrored(
        self, image: NDArray[Any], mask: NDArray[np.uint8], index: int, window: Window
    ) -> None:
        frame = self.regions[index].window
        rows = symmetric_indices(window.row, window.height, frame.height)
        cols = symmetric_indices(window.col, window.width, frame.width)
        top, left = int(rows.min()), int(cols.min())
        box = Window(top, left, int(rows.max()) - top + 1, int(cols.max()) - left + 1)
        pixels, labels = self._pixels.read(index, box)
        # Rows first: whole rows are copied at once, so the slow gathering of columns is the only one.
        np.take(np.take(pixels, rows - top, axis=1), cols - left, axis=2, out=image, mode="clip")
        mask[...] = IGNORE_INDEX
        inside = clamp_window(window, frame.height, frame.width)
        mask[inside.shifted(-window.row, -window.col).slices] = labels[inside.shifted(-top, -left).slices]


def open_store(
    source: Source, regions: Sequence[Region], *, kind: StoreKind = "auto", cache: Path | None = None
) -> PixelStore:
    """Make the pixels of regions ready to be cut into patches.

    Args:
        source: The dataset.
        regions: What patches may be cut from, usually `TrainSplit.regions`.
        kind: ``memory`` decodes everything once; ``memmap`` does so into files in ``cache`` and opens them
            again as long as settings and data are the same; ``source`` reads the files for each patch;
            ``auto`` takes memory if 40 % of what is free is enough, else memmap, or source without a cache.
        cache: Folder for ``memmap``.

    Raises:
        OptionError: The kind is unknown, or ``memmap`` comes without a cache.
        DataError: A file is broken.

    Example:
        >>> import tempfile
        >>> from rareseg.config.dataset import load_dataset_settings
        >>> from rareseg.data.foil_dataset import write_foil_dataset
        >>> from rareseg.data.open_dataset import open_dataset
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = write_foil_dataset(Path(folder), num_images=1, size=(64, 64))
        ...     source = open_dataset(load_dataset_settings(path))
        ...     store = open_store(source, [Region("foil_000", Window(0, 0, 64, 64))])
        >>> images, masks = store.fetch([0, 0], [0, 60], [0, -8], height=16, width=16)
        >>> images.shape, masks.shape, int((masks[1] == 255).sum())
        ((2, 3, 16, 16), (2, 16, 16), 224)
    """
    if kind not in ("auto", "memory", "memmap", "source"):
        raise OptionError(
            f"The kind of store should be auto, memory, memmap or source, but is '{kind}'; give one."
        )
    if kind == "memmap" and cache is None:
        raise OptionError("The store kind 'memmap' needs a folder for its files; give `cache`.")
    if kind == "auto":
        kind = _choose(source, regions, cache)
    pixels: RegionPixels
    if kind == "memory":
        pixels = load_pixels(source, regions)
    elif kind == "memmap" and cache is not None:
        pixels = map_pixels(source, regions, Path(cache))
    else:
        pixels = SourcePixels(source, regions)
    return PixelStore(pixels, regions, num_bands=source.num_bands, dtype=source.dtype)


def _choose(source: Source, regions: Sequence[Region], cache: Path | None) -> StoreKind:
    needed = sum(region.window.area for region in regions) * (source.num_bands * source.dtype.itemsize + 1)
    if needed <= MEMORY_SHARE * free_memory():
        return "memory"
    return "source" if cache is None else "memmap"
