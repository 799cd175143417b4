"""The pixels of one image that any decision under consideration could take for a class, and what is true there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rareseg.metrics.bins import NUM_BINS
from rareseg.types import IGNORE_INDEX

__all__ = ["NEVER", "RegionRows", "StoredImage"]

NEVER = -NUM_BINS
"""Margin of a class that does not take a pixel."""
_HALF = NUM_BINS // 2
_TOUCHING = np.ones((3, 3), int)


@dataclass(frozen=True)
class RegionRows:
    """Predicted regions of one class in one image, before small ones are removed."""

    area: NDArray[np.int64]
    tp: NDArray[np.int64]
    judged: NDArray[np.int64]
    """``(regions,)``: pixels; of the class; not ignored."""
    touches: NDArray[np.int64]
    """``(pairs, 2)``: number of the region, number of a true region of the class that it hits."""

    def count(self, smallest: int) -> tuple[float, float, float, float]:
        """Hit pixels, judged pixels, hit regions and false regions, of regions of some size."""
        kept = self.area >= smallest
        hit = np.unique(self.touches[kept[self.touches[:, 0]], 1])
        # A region that hits nothing and is ignored for the half at least counts as nothing, see `region_counts`.
        false = kept & (self.tp == 0) & (2 * (self.area - self.judged) < self.area)
        return (
            float(self.tp[kept].sum()),
            float(self.judged[kept].sum()),
            float(len(hit)),
            float(false.sum()),
        )


@dataclass(frozen=True)
class StoredImage:
    """What a search looks at again and again; all other pixels are background under each of its decisions."""

    bins: NDArray[np.int16]
    """``(r, pixels)``: scores of the classes without the background."""
    likeliest: NDArray[np.uint8]
    target: NDArray[np.uint8]
    region: NDArray[np.int32]
    """``(pixels,)``: number of the true region, from 0 in each class; -1 where there is none."""
    position: NDArray[np.int64]
    """``(pixels,)``: place in the flattened image, ascending."""
    width: int

    @classmethod
    def of(
        cls,
        bins: NDArray[np.uint8],
        likeliest: NDArray[np.uint8],
        target: NDArray[np.uint8],
        *,
        lowest: Sequence[int],
    ) -> StoredImage:
        """Keep the pixels that a class could take.

        Args:
            bins: Scores ``(k, h, w)``, the background first.
            likeliest: Class of the largest logit ``(h, w)``.
            target: What is true ``(h, w)``, 255 for ignored pixels.
            lowest: Lowest threshold, as the number of a bin edge, of each class but the background.
        """
        could = likeliest != 0
        for score, edge in zip(bins[1:], lowest, strict=True):
            could |= score >= edge
        position = np.flatnonzero(could)
        regions = np.full(target.shape, -1, np.int32)
        for index in range(1, len(bins)):
            own = target == index
            if own.any():
                regions[own] = _components(own)[own] - 1
        return cls(
            bins=bins[1:].reshape(len(bins) - 1, -1)[:, position].astype(np.int16),
            likeliest=likeliest.reshape(-1)[position],
            target=target.reshape(-1)[position],
            region=regions.reshape(-1)[position],
            position=position,
            width=target.shape[1],
        )

    def margin(self, index: int, edge: int | None) -> NDArray[np.int16]:
        """How far each pixel's score of a class is above an edge, `NEVER` where the class does not take it.

        Args:
            index: Position of the class among those without the background.
            edge: Its threshold; None for the rule of argmax, as `ThresholdDecision` has it.
        """
        score = self.bins[index]
        if edge is None:
            return np.where(self.likeliest == index + 1, score - _HALF, NEVER).astype(np.int16)
        return np.where(score >= edge, score - edge, NEVER).astype(np.int16)

    def rows(self, index: int, taken: NDArray[np.bool_]) -> RegionRows:
        """Regions of the pixels ``taken`` for a class."""
        chosen = np.flatnonzero(taken)
        if not len(chosen):
            empty = np.zeros(0, np.int64)
            return RegionRows(empty, empty, empty, np.zeros((0, 2), np.int64))
        row, col = np.divmod(self.position[chosen], self.width)
        row, col = row - row[0], col - col.min()  # positions ascend, so the first row is the least
        shown = np.zeros((int(row[-1]) + 1, int(col.max()) + 1), bool)
        shown[row, col] = True
        number = _components(shown)[row, col] - 1
        target = self.target[chosen]
        own = target == index + 1
        num, most = int(number.max()) + 1, int(self.region.max()) + 1
        # One number for a pair: unique numbers are found much faster than unique rows.
        pairs = np.unique(number[own].astype(np.int64) * most + self.region[chosen[own]])
        return RegionRows(
            area=np.bincount(number, minlength=num),
            tp=np.bincount(number[own], minlength=num),
            judged=np.bincount(number[target != IGNORE_INDEX], minlength=num),
            touches=np.stack(np.divmod(pairs, max(1, most)), axis=1),
        )


def _components(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Numbers, from 1, of 8-connected regions."""
    from scipy.ndimage import label

    found: NDArray[np.int32] = label(mask, _TOUCHING)[0]
    return found
