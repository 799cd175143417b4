"""Pixels, regions and blank masks, from one reading of every mask."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rareseg.inspection.region_sizes import region_sizes
from rareseg.inspection.thread_map import Progress, thread_map
from rareseg.types import IGNORE_INDEX, Window

if TYPE_CHECKING:
    from rareseg.data.source import Source

__all__ = ["MaskStatistics", "class_statistics"]


@dataclass(frozen=True, eq=False)
class MaskStatistics:
    """What one mask holds.

    Args:
        sample: Sample id.
        size: Height and width.
        region_sizes: For each class, the areas of its 8-connected regions in pixels.
        unlabelled: Pixels with the ignore label.
        digest: Equal for equal masks.
        windows: Pixels of each class ``(k,)`` in the windows that were asked for, in their order.
    """

    sample: str
    size: tuple[int, int]
    region_sizes: tuple[NDArray[np.int64], ...]
    unlabelled: int
    digest: str
    windows: tuple[NDArray[np.int64], ...] = ()

    @property
    def pixels(self) -> NDArray[np.int64]:
        """Pixels of each class, ``(k,)``."""
        return np.array([sizes.sum() for sizes in self.region_sizes], np.int64)

    @property
    def is_blank(self) -> bool:
        """Whether the mask holds no class but the first, the background."""
        return not any(len(sizes) for sizes in self.region_sizes[1:])

    @property
    def is_uniform(self) -> bool:
        """Whether every pixel is of the same class, none ignored."""
        return self.unlabelled == 0 and sum(len(sizes) > 0 for sizes in self.region_sizes) == 1


def class_statistics(
    source: Source,
    samples: Sequence[str],
    *,
    windows: Mapping[str, Sequence[Window]] | None = None,
    progress: Progress | None = None,
) -> list[MaskStatistics]:
    """Read every mask once, several at a time, and count what is in it.

    Args:
        source: Where masks come from.
        samples: Which samples.
        windows: Rectangles of samples in which pixels are also counted by themselves.
        progress: Told after each sample.

    Returns:
        One entry a sample, in the given order.

    Raises:
        DataError: A mask cannot be read; the source says which.
    """
    table = source.class_table

    def count(sample: str) -> MaskStatistics:
        mask = np.ascontiguousarray(source.read_mask(sample))
        sizes = region_sizes(mask, table.num_classes)
        pixels = np.array([areas.sum() for areas in sizes], np.int64)
        return MaskStatistics(
            sample=sample,
            size=(mask.shape[0], mask.shape[1]),
            region_sizes=sizes,
            unlabelled=mask.size - int(pixels.sum()),
            digest=hashlib.blake2b(mask.data, digest_size=16, person=f"{mask.shape[1]}".encode()).hexdigest(),
            windows=tuple(
                pixels if window.area == mask.size else _count(mask[window.slices], table.num_classes)
                for window in (windows or {}).get(sample, ())
            ),
        )

    return thread_map(count, samples, progress=progress)


def _count(mask: NDArray[np.uint8], num_classes: int) -> NDArray[np.int64]:
    return np.bincount(mask.ravel(), minlength=IGNORE_INDEX + 1)[:num_classes].astype(np.int64)
