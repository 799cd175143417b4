"""Find a defect in a patch that can be set into another one whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rareseg.types import IGNORE_INDEX, Window

__all__ = ["Cutout", "find_cutout"]

_LARGEST_SHARE = 0.25
"""A defect that covers more of its patch leaves too little ground to judge how the two grounds differ."""


@dataclass(frozen=True)
class Cutout:
    """A defect with the ground around it, cut from a patch.

    Attributes:
        window: Where it was in its patch, rim included.
        support: ``(h, w)`` pixels of the defect.
        zone: ``(h, w)`` the defect and all pixels within the rim around it.
        ground: ``(h, w)`` pixels of the rim that are of the class `ground_class`.
        ground_class: The class that most of the rim has.
        at_row_border: Whether the rim reaches over the upper or lower border of the patch, so that the defect
            may go on there: it can only be set at the same rows.
        at_col_border: The same for columns.
    """

    window: Window
    support: NDArray[np.bool_]
    zone: NDArray[np.bool_]
    ground: NDArray[np.bool_]
    ground_class: int
    at_row_border: bool
    at_col_border: bool


def find_cutout(
    mask: NDArray[np.uint8],
    known: NDArray[np.bool_],
    classes: Sequence[int],
    *,
    rim: int,
    u: Sequence[float],
) -> Cutout | None:
    """Choose one of the classes that the patch holds, then one of its defects.

    What lies nearer to each other than two rims is one defect, whatever its classes, so that no rim holds part
    of another one. Left out are defects that touch ignored or missing pixels, where they may have been cut
    off, and those that cover more than a quarter of the patch.

    Args:
        mask: ``(h, w)`` class indices.
        known: ``(h, w)`` pixels whose values are not missing.
        classes: Indices of the classes to take.
        rim: Width of the rim in pixels.
        u: Two uniform numbers, for the class and for the defect.

    Returns:
        The defect, or None where there is none.
    """
    from scipy import ndimage

    chosen = np.isin(mask, classes)
    if not chosen.any():
        return None
    zones, num_zones = ndimage.label(
        ndimage.maximum_filter(chosen, 2 * rim + 1, mode="constant"), structure=np.ones((3, 3))
    )
    unusable = ndimage.maximum_filter((mask == IGNORE_INDEX) | ~known, 3, mode="constant")
    usable = np.bincount(zones[chosen], minlength=num_zones + 1) <= _LARGEST_SHARE * mask.size
    usable[zones[chosen & unusable]] = False
    found = np.unique(np.stack([mask[chosen], zones[chosen]], axis=1)[usable[zones[chosen]]], axis=0)
    if not len(found):
        return None
    present = np.unique(found[:, 0])
    of_class = found[found[:, 0] == present[int(u[0] * len(present))], 1]
    return _cut(mask, known, chosen, zones == of_class[int(u[1] * len(of_class))], rim)


def _cut(
    mask: NDArray[np.uint8],
    known: NDArray[np.bool_],
    chosen: NDArray[np.bool_],
    zone: NDArray[np.bool_],
    rim: int,
) -> Cutout | None:
    height, width = mask.shape
    around = mask[zone & ~chosen & known & (mask != IGNORE_INDEX)]
    if not len(around):
        return None
    ground_class = int(np.bincount(around).argmax())
    support = zone & chosen
    rows, cols = (np.flatnonzero(support.any(axis=axis)) for axis in (1, 0))
    top, left = max(rows[0] - rim, 0), max(cols[0] - rim, 0)
    bottom, right = min(rows[-1] + rim + 1, height), min(cols[-1] + rim + 1, width)
    window = Window(int(top), int(left), int(bottom - top), int(right - left))
    return Cutout(
        window=window,
        support=support[window.slices],
        zone=zone[window.slices],
        ground=(zone & known & (mask == ground_class))[window.slices],
        ground_class=ground_class,
        at_row_border=bool(rows[0] < rim or rows[-1] + rim >= height),
        at_col_border=bool(cols[0] < rim or cols[-1] + rim >= width),
    )
