"""Pixels of a list of regions, and of nothing around them: in memory, in mapped files, or read when asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rareseg.artefacts import atomic_path
from rareseg.data.class_pixels import map_in_threads
from rareseg.data.source import Source
from rareseg.provenance import digest_of
from rareseg.types import Region, Window

__all__ = ["FlatPixels", "MappedPixels", "RegionPixels", "SourcePixels", "load_pixels", "map_pixels"]

Pair = tuple[NDArray[np.generic], NDArray[np.uint8]]


class RegionPixels(Protocol):
    """Gives image ``(c, h, w)`` and mask ``(h, w)`` of a window that counts from its region's corner."""

    def read(self, index: int, window: Window) -> Pair:
        """Pixels that the caller may look at but not change."""
        ...


class FlatPixels:
    """All regions one after the other in two flat arrays.

    Args:
        images: Bands, rows and columns of each region in turn.
        masks: Rows and columns of each region in turn.
        regions: The regions.
        num_bands: Bands of every image.
    """

    def __init__(
        self, images: NDArray[Any], masks: NDArray[np.uint8], regions: Sequence[Region], num_bands: int
    ) -> None:
        areas = [region.window.area for region in regions]
        ends = np.cumsum([0, *areas]).tolist()
        shapes = [(region.window.height, region.window.width) for region in regions]
        self._images = [
            images[num_bands * start : num_bands * (start + area)].reshape(num_bands, *shape)
            for start, area, shape in zip(ends, areas, shapes, strict=False)
        ]
        self._masks = [
            masks[start : start + area].reshape(shape)
            for start, area, shape in zip(ends, areas, shapes, strict=False)
        ]

    def read(self, index: int, window: Window) -> Pair:
        """Views of the arrays."""
        rows, cols = window.slices
        return self._images[index][:, rows, cols], self._masks[index][rows, cols]

    def fill(self, source: Source, regions: Sequence[Region]) -> None:
        """Decode every region into its place, several at a time."""

        def decode(index: int) -> None:
            sample, window = regions[index]
            self._images[index][...] = source.read_image(sample, window)
            self._masks[index][...] = source.read_mask(sample, window)

        for _ in map_in_threads(decode, range(len(regions))):
            pass


class MappedPixels:
    """The same arrays in files, of which the system keeps in memory what is used; pickled as their paths.

    Args:
        images: The ``.npy`` file of images.
        masks: The ``.npy`` file of masks.
        regions: The regions.
        num_bands: Bands of every image.
    """

    def __init__(self, images: Path, masks: Path, regions: Sequence[Region], num_bands: int) -> None:
        self._parts = (images, masks, tuple(regions), num_bands)
        self._flat = FlatPixels(
            np.load(images, mmap_mode="r"), np.load(masks, mmap_mode="r"), regions, num_bands
        )

    def read(self, index: int, window: Window) -> Pair:
        """Views of the mapped files."""
        return self._flat.read(index, window)

    def __reduce__(self) -> tuple[type[MappedPixels], tuple[Any, ...]]:
        return MappedPixels, self._parts


class SourcePixels:
    """Every window is read from the source when asked for.

    Args:
        source: The dataset.
        regions: The regions.
    """

    def __init__(self, source: Source, regions: Sequence[Region]) -> None:
        self._source, self._regions = source, tuple(regions)

    def read(self, index: int, window: Window) -> Pair:
        """Pixels from the files."""
        sample, frame = self._regions[index]
        inside = window.shifted(frame.row, frame.col)
        return self._source.read_image(sample, inside), self._source.read_mask(sample, inside)


def load_pixels(source: Source, regions: Sequence[Region]) -> FlatPixels:
    """Decode all regions into memory."""
    area = sum(region.window.area for region in regions)
    images, masks = np.empty(source.num_bands * area, source.dtype), np.empty(area, np.uint8)
    pixels = FlatPixels(images, masks, regions, source.num_bands)
    pixels.fill(source, regions)
    return pixels


def map_pixels(source: Source, regions: Sequence[Region], cache: Path) -> MappedPixels:
    """Decode all regions into files, or open those that an earlier call left for the same data and regions.

    Args:
        source: The dataset.
        regions: The regions.
        cache: Folder of the files; they are written whole or not at all.
    """
    digest = digest_of(
        {
            "source": source.signature(sorted({region.sample for region in regions})),
            "regions": [[region.sample, *region.window] for region in regions],
        }
    )
    area = sum(region.window.area for region in regions)
    paths = (cache / f"pixels-{digest}.images.npy", cache / f"pixels-{digest}.masks.npy")
    if not all(path.exists() for path in paths):
        with atomic_path(paths[0]) as image_file, atomic_path(paths[1]) as mask_file:
            images = np.lib.format.open_memmap(image_file, "w+", source.dtype, (source.num_bands * area,))
            masks = np.lib.format.open_memmap(mask_file, "w+", np.uint8, (area,))
            FlatPixels(images, masks, regions, source.num_bands).fill(source, regions)
            images.flush()
            masks.flush()
            del images, masks
    return MappedPixels(*paths, regions, source.num_bands)
