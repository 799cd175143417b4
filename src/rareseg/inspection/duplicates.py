"""Images that show the same thing: equal, flipped, turned, under another exposure, or compressed again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rareseg.inspection.image_scan import ImageScan
from rareseg.inspection.texture import Texture, texture
from rareseg.inspection.thread_map import Progress
from rareseg.inspection.transforms import TRANSFORMS

__all__ = ["THRESHOLD", "Duplicate", "find_duplicates"]

THRESHOLD = 0.6
"""Similarity from which two images count as duplicates; chosen by ``benchmarks/duplicates.py``."""

COARSE_EDGE = 32
COARSE_THRESHOLD = 0.3
NUM_NEIGHBOURS = 32
ASPECT_TOLERANCE = 0.06
LEAST_VALID = 0.15
SCORES_AT_ONCE = 1 << 24
PAIRS_AT_ONCE = 512
NAMES = tuple(TRANSFORMS)


@dataclass(frozen=True)
class Duplicate:
    """Two samples that show the same thing.

    Args:
        a: Sample id.
        b: Sample id.
        similarity: Correlation of their fine structure, 1 for equal pixels.
        transform: What turns ``a`` into ``b``, a name of `TRANSFORMS`.
    """

    a: str
    b: str
    similarity: float
    transform: str


class _Pairs(NamedTuple):
    """Candidates ``first < second`` and the number of the transform that leads from first to second."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    transform: NDArray[np.int64]


def find_duplicates(
    scans: Sequence[ImageScan], *, threshold: float = THRESHOLD, progress: Progress | None = None
) -> list[Duplicate]:
    """Compare every image with every other in all eight positions.

    Descriptors of 32 x 32 are multiplied as matrices, which leaves the 32 nearest neighbours of each image;
    those are aligned and correlated at 64 x 64, leaving out ground that either image shows flat, such as
    clipped highlights. Images whose aspect ratios differ by more than 6 % are not compared, nor are images
    of a single value. Shifts and crops beyond about a hundredth of the image are not found.

    Args:
        scans: What `scan_images` keeps of the images.
        threshold: Least similarity; see ``docs/leaks.md`` for the rates that belong to the default.
        progress: Told after each block of images.

    Returns:
        Pairs in order of falling similarity. Of more than two images with equal pixels, each is paired with
        the first at least.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from rareseg.config.dataset import DatasetSettings
        >>> from rareseg.data.open_dataset import open_dataset
        >>> from rareseg.inspection.image_scan import scan_images
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for part in ("images", "masks"):
        ...         (Path(folder) / part).mkdir()
        ...     grain = np.random.default_rng(0).normal(100, 20, (64, 64)).astype(np.uint8)
        ...     for name, pixels in (("a", grain), ("b", grain[::-1])):
        ...         Image.fromarray(pixels).save(Path(folder) / "images" / f"{name}.png")
        ...     settings = DatasetSettings(name="pair", root=folder, classes=[{"name": "x"}, {"name": "y"}])
        ...     source = open_dataset(settings)
        ...     find_duplicates(scan_images(source, source.sample_ids))
        [Duplicate(a='a', b='b', similarity=1.0, transform='flip_rows')]
    """
    kept = [scan for scan in scans if not scan.is_constant]
    if len(kept) < 2:
        return []
    thumbnails = np.stack([scan.thumbnail for scan in kept])
    aspects = np.log([scan.size[0] / scan.size[1] for scan in kept])
    pairs = _candidates(_coarse(thumbnails), aspects, progress)
    similarity = _verify(texture(thumbnails, blur=4, spread=6, floor=0.2, stripes=False), pairs)
    found: dict[tuple[int, int], tuple[float, str]] = {}
    for number in np.flatnonzero(similarity >= threshold):
        key = (int(pairs.first[number]), int(pairs.second[number]))
        found[key] = (float(similarity[number]), NAMES[pairs.transform[number]])
    for first, second in _equal(kept):
        found[first, second] = (1.0, "identity")
    duplicates = [
        Duplicate(kept[i].sample, kept[j].sample, round(s, 4), t) for (i, j), (s, t) in found.items()
    ]
    return sorted(duplicates, key=lambda pair: (-pair.similarity, pair.a, pair.b))


def _coarse(thumbnails: NDArray[np.float32]) -> NDArray[np.float32]:
    """Descriptors ``(n, 32, 32)`` of zero mean and unit length; a product of two is their correlation."""
    step = thumbnails.shape[-1] // COARSE_EDGE
    small = thumbnails.reshape(len(thumbnails), COARSE_EDGE, step, COARSE_EDGE, step).mean(axis=(2, 4))
    values = texture(small, blur=2, spread=4, floor=0.3, stripes=True).values
    values = values - values.mean(axis=(1, 2), keepdims=True)
    length = np.sqrt((values * values).sum(axis=(1, 2), keepdims=True))
    return np.asarray(values / np.maximum(length, 1e-9), np.float32)


def _candidates(
    descriptors: NDArray[np.float32], aspects: NDArray[np.float64], progress: Progress | None
) -> _Pairs:
    """The nearest neighbours of every image, each pair once."""
    num = len(descriptors)
    flat = descriptors.reshape(num, -1).T
    rows = max(1, SCORES_AT_ONCE // (num * len(NAMES)))
    found = []
    for start in range(0, num, rows):
        block = slice(start, min(start + rows, num))
        turned = [turn(descriptors[block]).reshape(block.stop - start, -1) for turn in TRANSFORMS.values()]
        scores = (np.concatenate(turned) @ flat).reshape(len(NAMES), block.stop - start, num)
        straight = np.abs(aspects[block, None] - aspects) > ASPECT_TOLERANCE
        across = np.abs(aspects[block, None] + aspects) > ASPECT_TOLERANCE
        for number, turn in enumerate(TRANSFORMS.values()):
            scores[number][across if turn.exchange else straight] = -1
        best, which = scores.max(axis=0), scores.argmax(axis=0)
        best[np.arange(block.stop - start), np.arange(start, block.stop)] = -1
        nearest = np.argpartition(-best, min(NUM_NEIGHBOURS, num - 1) - 1, axis=1)[:, :NUM_NEIGHBOURS]
        near = np.take_along_axis(best, nearest, axis=1) >= COARSE_THRESHOLD
        row, place = np.nonzero(near)
        col = nearest[row, place]
        found.append((row + start, col, which[row, col]))
        if progress:
            progress(block.stop, num)
    first, second, transform = (np.concatenate(part) for part in zip(*found, strict=True))
    back = np.array([NAMES.index(TRANSFORMS[name].inverse) for name in NAMES])
    transform = np.where(first < second, transform, back[transform])
    first, second = np.minimum(first, second), np.maximum(first, second)
    _, once = np.unique(first * num + second, return_index=True)
    return _Pairs(first[once], second[once], transform[once])


def _verify(fine: Texture, pairs: _Pairs) -> NDArray[np.float64]:
    """Correlation of every pair after alignment, over the ground where both have structure."""
    similarity = np.zeros(len(pairs.first))
    for number, block in _blocks(pairs):
        turn = TRANSFORMS[NAMES[number]]
        a, in_a = (_rows(turn(part[pairs.first[block]])) for part in fine)
        b, in_b = (_rows(part[pairs.second[block]]) for part in fine)
        area = np.maximum(_dot(in_a, in_b), 1)
        sum_a, sum_b = _dot(a, in_b), _dot(b, in_a)
        square_a, square_b = _dot(a * a, in_b) - sum_a**2 / area, _dot(b * b, in_a) - sum_b**2 / area
        spread = np.sqrt(np.maximum(square_a, 0) * np.maximum(square_b, 0))
        value = (_dot(a, b) - sum_a * sum_b / area) / np.maximum(spread, 1e-6)
        similarity[block] = np.where(area >= LEAST_VALID * a.shape[1], value, 0)
    return similarity


def _blocks(pairs: _Pairs) -> Iterator[tuple[int, NDArray[np.int64]]]:
    for number in range(len(NAMES)):
        places = np.flatnonzero(pairs.transform == number)
        for start in range(0, len(places), PAIRS_AT_ONCE):
            yield number, places[start : start + PAIRS_AT_ONCE]


def _rows(block: NDArray[np.generic]) -> NDArray[np.float32]:
    return np.ascontiguousarray(block, dtype=np.float32).reshape(len(block), -1)


def _dot(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(np.einsum("ij,ij->i", a, b), np.float64)


def _equal(scans: Sequence[ImageScan]) -> Iterator[tuple[int, int]]:
    first: dict[str, int] = {}
    for number, scan in enumerate(scans):
        if scan.digest in first:
            yield first[scan.digest], number
        else:
            first[scan.digest] = number
