"""What decisions make of images, in the few numbers that aims are functions of."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.cube import Cube, make_cube
from rareseg.metrics.region_table import RegionTable

__all__ = ["ImageTruth", "Outcome", "outcome_of_tables"]


@dataclass(frozen=True)
class ImageTruth:
    """What n images really hold of r classes, the background not among them."""

    pixels: NDArray[np.float64]
    """``(n, r)``: pixels of each class."""
    regions: NDArray[np.float64]
    """``(n, r)``: 8-connected regions of each class."""
    megapixels: NDArray[np.float64]
    """``(n,)``: judged area."""

    @property
    def holds(self) -> NDArray[np.bool_]:
        """``(n,)``: whether an image holds anything but background."""
        return np.asarray((self.pixels > 0).any(axis=-1), bool)


@dataclass(frozen=True)
class Outcome:
    """What one decision, or each of several along leading axes, says of the same images."""

    tp: NDArray[np.float64]
    """``(..., n, r)``: pixels of the class that were taken for it."""
    predicted: NDArray[np.float64]
    """``(..., n, r)``: judged pixels that were taken for it."""
    hit: NDArray[np.float64]
    """``(..., n, r)``: regions that were hit, as `region_counts` has it."""
    false: NDArray[np.float64]
    """``(..., n, r)``: false predicted regions."""

    @property
    def alarm(self) -> NDArray[np.bool_]:
        """``(..., n)``: whether any class but the background was seen in a judged pixel."""
        return np.asarray((self.predicted > 0).any(axis=-1), bool)

    def only(self, passed: NDArray[np.bool_]) -> Outcome:
        """The same with nothing seen in images that do not pass ``(..., n)``."""
        each = passed[..., None]
        return replace(
            self,
            tp=self.tp * each,
            predicted=self.predicted * each,
            hit=self.hit * each,
            false=self.false * each,
        )


def outcome_of_tables(counts: CountsTable, regions: RegionTable) -> tuple[ImageTruth, Outcome, Cube]:
    """Truth and outcome from the tables of an evaluation (one step, one split), the first class being background.

    Returns:
        Truth, outcome, and the cube of counts for the images' names and groups.

    Example:
        >>> counts, regions = CountsTable(), RegionTable()
        >>> key = {"step": 1, "split": "val", "image": "a", "group": "", "class_names": ["background", "crack"]}
        >>> counts.append(**key, counts=np.array([[90, 2, 3, 5], [5, 3, 2, 90]]))
        >>> regions.append(**key, counts=np.array([[1, 1, 1, 0], [2, 1, 3, 2]]), megapixels=0.0001)
        >>> truth, outcome, _ = outcome_of_tables(counts, regions)
        >>> truth.pixels.tolist(), outcome.predicted.tolist(), outcome.false.tolist(), outcome.alarm.tolist()
        ([[7.0]], [[8.0]], [[2.0]], [True])
    """
    pixels, found = make_cube(counts), make_cube(regions)
    tp, fp, fn, _ = np.moveaxis(pixels.values[:, 1:].astype(np.float64), -1, 0)
    true, hit, _, false, megapixels = np.moveaxis(found.values[:, 1:], -1, 0)
    truth = ImageTruth(tp + fn, true, megapixels[:, 0])
    return truth, Outcome(tp, tp + fp, hit, false), pixels
