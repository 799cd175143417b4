"""The stored pixels of a part that a search looks at, and what its images hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rareseg.metrics.outcomes import ImageTruth
from rareseg.metrics.stored_image import StoredImage
from rareseg.study.stored_scores import StoredScores
from rareseg.types import IGNORE_INDEX

__all__ = ["read_images"]

_TOUCHING = np.ones((3, 3), int)


def read_images(scores: StoredScores, *, lowest: Sequence[int]) -> tuple[list[StoredImage], ImageTruth]:
    """Read the score maps of a part.

    Args:
        scores: Of the part.
        lowest: Lowest threshold, as the number of a bin edge, of each class but the background.
    """
    from scipy.ndimage import label

    num = len(scores.class_names)
    images, pixels, regions, areas = [], [], [], []
    for _, found, target in scores.read():
        images.append(StoredImage.of(found.bins, found.likeliest, target, lowest=lowest))
        counted = np.bincount(target[target != IGNORE_INDEX], minlength=num)[:num]
        pixels.append(counted[1:])
        areas.append(counted.sum() / 1e6)
        regions.append(
            [label(target == index, _TOUCHING)[1] if counted[index] else 0 for index in range(1, num)]
        )
    return images, ImageTruth(np.array(pixels, float), np.array(regions, float), np.array(areas))
