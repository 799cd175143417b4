"""What inspection keeps of an image after one reading: a thumbnail, its range, and sums of its bands."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rareseg.inspection.band_sums import BandSums
from rareseg.inspection.strips import strips
from rareseg.inspection.thread_map import Progress, thread_map
from rareseg.types import Window

if TYPE_CHECKING:
    from rareseg.data.source import Source

__all__ = ["THUMBNAIL_EDGE", "ImageScan", "scan_images"]

THUMBNAIL_EDGE = 64
"""Rows and columns of a thumbnail, whatever the shape of the image."""

_LEAST_KNOWN = 0.01
"""Share of a thumbnail's pixel that must be there; less says nothing about it."""


@dataclass(frozen=True, eq=False)
class ImageScan:
    """One image in brief.

    Args:
        sample: Sample id.
        size: Height and width.
        num_bands: Bands of the image.
        thumbnail: ``(64, 64)`` float32: mean of the bands, averaged over equal areas of the whole image.
        digest: Equal for images with equal pixels.
        minimum: Smallest finite value of all bands.
        maximum: Largest finite value of all bands.
        mean: Mean of all bands.
        num_missing: NaN and infinite values.
        saturated: Share of values at the top of the integer type; 0 for floating point.
        equal_bands: Whether there are several bands with the same values, such as grey stored as colour.
        sums: Band sums over the windows that were asked for.
    """

    sample: str
    size: tuple[int, int]
    num_bands: int
    thumbnail: NDArray[np.float32]
    digest: str
    minimum: float
    maximum: float
    mean: float
    num_missing: int
    saturated: float
    equal_bands: bool
    sums: BandSums

    @property
    def is_constant(self) -> bool:
        """Whether all finite values are the same, or none is finite."""
        return not self.maximum > self.minimum


def scan_images(
    source: Source,
    samples: Sequence[str],
    *,
    windows: Mapping[str, Sequence[Window]] | None = None,
    progress: Progress | None = None,
) -> list[ImageScan]:
    """Read every image once, several at a time, large ones strip by strip.

    Args:
        source: Where images come from.
        samples: Which samples.
        windows: Rectangles of samples over which band sums are gathered.
        progress: Told after each sample.

    Returns:
        One entry a sample, in the given order.

    Raises:
        DataError: An image cannot be read; the source says which.
    """
    return thread_map(
        lambda sample: _scan(source, sample, (windows or {}).get(sample, ())), samples, progress=progress
    )


def _scan(source: Source, sample: str, windows: Sequence[Window]) -> ImageScan:
    height, width = source.size(sample)
    rows, cols = _area_weights(height), _area_weights(width)
    thumbnail, known = np.zeros((2, THUMBNAIL_EDGE, THUMBNAIL_EDGE), np.float32)
    whole, wanted = [], []
    digest = hashlib.blake2b(f"{height} {width}".encode(), digest_size=16)
    num_bands = saturated = values = 0
    equal_bands = True
    for strip in strips(Window(0, 0, height, width), num_bands=source.num_bands):
        image = source.read_image(sample, strip)
        num_bands = image.shape[0]
        digest.update(np.ascontiguousarray(image).data)
        sums = BandSums.of(image)
        whole.append(sums)
        for window in windows:
            part = _overlap(window, strip)
            wanted.append(sums if part == strip else BandSums.of(image[:, *_within(part, strip)]))
        grey, there = _grey(image, sums)
        weights = rows[:, strip.row : strip.row + strip.height]
        thumbnail += weights @ grey @ cols.T
        known += weights.sum(axis=1, keepdims=True) if there is None else weights @ there @ cols.T
        equal_bands = equal_bands and np.array_equal(
            image[1:],
            np.broadcast_to(image[:1], image[1:].shape),
            equal_nan=bool(sums.num_missing.any()),
        )
        saturated += _num_saturated(image)
        values += image.size
    total = BandSums.all_of(whole, num_bands)
    return ImageScan(
        sample=sample,
        size=(height, width),
        num_bands=num_bands,
        thumbnail=_without_gaps(thumbnail, known) if total.num_missing.any() else thumbnail,
        digest=digest.hexdigest(),
        minimum=float(total.minimum.min()),
        maximum=float(total.maximum.max()),
        mean=float(total.mean.mean()),
        num_missing=int(total.num_missing.sum()),
        saturated=saturated / max(values, 1),
        equal_bands=num_bands > 1 and equal_bands,
        sums=BandSums.all_of(wanted, num_bands),
    )


def _grey(
    image: NDArray[np.generic], sums: BandSums
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Mean of the bands, and 1 where all of them are there, else 0; None for 1 everywhere."""
    values = image.astype(np.float32)
    if not sums.num_missing.any():
        return np.asarray(values[0] if len(values) == 1 else values.mean(axis=0)), None
    there = np.asarray(np.isfinite(values).all(axis=0))
    means: NDArray[np.float32] = np.mean(np.where(there, values, 0), axis=0, keepdims=True)[0]
    return means, there.astype(np.float32)


def _without_gaps(sums: NDArray[np.float32], known: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means over the pixels that are there; places without any have the mean of all others, which is flat ground.

    Args:
        sums: ``(64, 64)`` weighted sums.
        known: ``(64, 64)`` weights of the pixels that are there, 0 to 1.
    """
    there = known > _LEAST_KNOWN
    means = sums / np.where(there, known, 1)
    return np.where(there, means, means[there].mean() if there.any() else 0).astype(np.float32)


def _num_saturated(image: NDArray[Any]) -> int:
    return int((image == np.iinfo(image.dtype).max).sum()) if image.dtype.kind in "iu" else 0


def _overlap(a: Window, b: Window) -> Window:
    row, col = max(a.row, b.row), max(a.col, b.col)
    bottom, right = min(a.row + a.height, b.row + b.height), min(a.col + a.width, b.col + b.width)
    return Window(row, col, max(0, bottom - row), max(0, right - col))


def _within(part: Window, strip: Window) -> tuple[slice, slice]:
    return part.shifted(-strip.row, -strip.col).slices if part.area else (slice(0), slice(0))


@lru_cache(maxsize=512)
def _area_weights(size: int) -> NDArray[np.float32]:
    """``(64, size)`` shares that average an axis over equal stretches; pixels on a border count in part.

    Exact shares keep the thumbnail of a flipped image the flipped thumbnail, which whole-pixel stretches do
    not.
    """
    edges = np.linspace(0, size, THUMBNAIL_EDGE + 1)
    pixel = np.arange(size)
    shares = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    shares = np.clip(shares, 0, None)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float32)
