"""Small pictures of images and masks for the page about a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rareseg.inspection.thread_map import Progress, thread_map
from rareseg.types import IGNORE_INDEX

if TYPE_CHECKING:
    from rareseg.data.source import Source

__all__ = [
    "NUM_EXAMPLES",
    "NUM_PAIRS",
    "NUM_SETS",
    "Preview",
    "make_previews",
    "outlier_images",
    "outlier_set_samples",
    "preview_samples",
    "stray_duplicates",
]

NUM_PAIRS = 12
"""Leaks, and duplicates within a part, that a page shows."""
NUM_EXAMPLES = 4
"""Samples that a page shows of each class."""
NUM_SETS = 4
"""Sets of identical masks that a page shows."""
NUM_OF_SET = 6
"""Samples that it shows of each."""
CLIPPED = (0.5, 99.5)


@dataclass(frozen=True, eq=False)
class Preview:
    """A sample made small.

    Args:
        picture: Grey ``(h, w)`` or RGB ``(h, w, 3)``, uint8.
        mask: Class index ``(h, w)`` uint8; where pixels were joined, the rarest of their classes, so that
            thin cracks stay visible.
    """

    picture: NDArray[np.uint8]
    mask: NDArray[np.uint8]


def preview_samples(fingerprint: Mapping[str, Any]) -> list[str]:
    """Samples that the page about a fingerprint shows."""
    pairs = [*fingerprint["leaks"][:NUM_PAIRS], *stray_duplicates(fingerprint)[:NUM_PAIRS]]
    names = [name for pair in pairs for name in (pair["a"], pair["b"])]
    for row in fingerprint["classes"][1:]:
        names += row["examples"][:NUM_EXAMPLES]
    outliers = fingerprint["outliers"]
    for item in outliers["masks"]["sets"][:NUM_SETS]:
        names += outlier_set_samples(item)
    if outliers["reconstruction"]:
        names += [row["sample"] for row in outlier_images(outliers["reconstruction"])]
    return list(dict.fromkeys(names))


def stray_duplicates(fingerprint: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Duplicates within a part that no group key joins."""
    return [pair for pair in fingerprint["duplicates"] if not pair["same_group"]]


def outlier_set_samples(item: Mapping[str, Any]) -> list[str]:
    """Samples of a set of identical masks that a page shows, from its beginning to its end."""
    samples: list[str] = item["samples"]
    step = max(1, len(samples) // NUM_OF_SET)
    return samples[::step][:NUM_OF_SET]


def outlier_images(reconstruction: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The worst drawn images, of which there is a reconstruction."""
    return [row for row in reconstruction["images"] if row["sample"] in reconstruction["reconstructions"]]


def make_previews(
    source: Source, samples: Sequence[str], *, edge: int = 224, progress: Progress | None = None
) -> dict[str, Preview]:
    """Read samples and make them small.

    8-bit images are shown as they are, others are stretched between their 0.5 and 99.5 percentiles.

    Args:
        source: Where they come from.
        samples: Which.
        edge: Longest side in pixels; smaller images stay as they are.
        progress: Told after each sample.
    """
    counts = np.zeros(IGNORE_INDEX + 1, np.int64)
    masks = thread_map(source.read_mask, samples)
    for mask in masks:
        counts += np.bincount(mask.ravel(), minlength=len(counts))
    rarity = np.empty(len(counts), np.uint8)
    # Background shows only where there is nothing else; the ignore label only where there is no class.
    order = [0, IGNORE_INDEX, *(c for c in np.argsort(-counts, kind="stable") if c not in (0, IGNORE_INDEX))]
    rarity[order] = np.arange(len(order))
    by_rarity = np.array(order, np.uint8)

    def make(sample_and_mask: tuple[str, NDArray[np.uint8]]) -> Preview:
        sample, mask = sample_and_mask
        picture = _shrink(_picture(source.read_image(sample)), edge)
        height, width = picture.shape[:2]
        rows = np.linspace(0, mask.shape[0], height, endpoint=False).astype(np.int64)
        cols = np.linspace(0, mask.shape[1], width, endpoint=False).astype(np.int64)
        rarest = np.maximum.reduceat(np.maximum.reduceat(rarity[mask], rows, axis=0), cols, axis=1)
        return Preview(picture, by_rarity[rarest])

    pairs = list(zip(samples, masks, strict=True))
    return dict(zip(samples, thread_map(make, pairs, progress=progress), strict=True))


def _picture(image: NDArray[np.generic]) -> NDArray[np.uint8]:
    shown = image[:3] if image.shape[0] >= 3 else image[:1]
    if shown.dtype != np.uint8:
        values = shown.astype(np.float32)
        finite = values[np.isfinite(values)]
        low, high = np.percentile(finite, CLIPPED) if finite.size else (0.0, 1.0)
        stretched = np.nan_to_num((values - low) / max(float(high - low), 1e-9), nan=0.0, posinf=1.0)
        shown = (np.clip(stretched, 0, 1) * 255).astype(np.uint8)
    return np.asarray(shown[0] if len(shown) == 1 else shown.transpose(1, 2, 0), np.uint8)


def _shrink(picture: NDArray[np.uint8], edge: int) -> NDArray[np.uint8]:
    from PIL import Image

    height, width = picture.shape[:2]
    scale = min(1.0, edge / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = Image.fromarray(np.ascontiguousarray(picture))
    return np.asarray(image if scale == 1 else image.resize(size, Image.Resampling.BOX))
