"""A piece of a label map: some rows over the full width."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["SCORE_SCALE", "LabelStrip"]

SCORE_SCALE = 65_535
"""A probability is kept as a whole number of this many parts, so that sums over a region are the same in any order."""


@dataclass(frozen=True, eq=False)
class LabelStrip:
    """Rows of a label map from the left edge of the image to the right one.

    Args:
        row: First row.
        labels: Class indices ``(n, w)``, 255 where the image has no data.
        scores: Softmax probability of the class in ``labels``, times `SCORE_SCALE`, ``(n, w)`` uint16; 0 where that
            is the background or ignored. None where nobody asked.
        doubts: How much the members of an ensemble disagree, times `SCORE_SCALE`, ``(n, w)`` uint16. None for a single
            network.

    Example:
        >>> strip = LabelStrip(8, np.array([[0, 1], [2, 2], [0, 0]], np.uint8))
        >>> strip.end, strip.between(9, 10).labels.tolist()
        (11, [[2, 2]])
    """

    row: int
    labels: NDArray[np.uint8]
    scores: NDArray[np.uint16] | None = None
    doubts: NDArray[np.uint16] | None = None

    @property
    def end(self) -> int:
        """The row behind the last."""
        return self.row + len(self.labels)

    def between(self, first: int, end: int) -> LabelStrip:
        """Rows ``first .. end`` of it."""
        rows = slice(max(0, first - self.row), max(0, end - self.row))
        scores = None if self.scores is None else self.scores[rows]
        doubts = None if self.doubts is None else self.doubts[rows]
        return LabelStrip(max(first, self.row), self.labels[rows], scores, doubts)

    def joined(self, below: LabelStrip) -> LabelStrip:
        """It and the strip that begins where it ends."""
        assert below.row == self.end, "strips come in order"
        if not len(self.labels):
            return below
        labels = np.concatenate([self.labels, below.labels])
        return LabelStrip(
            self.row, labels, _joined(self.scores, below.scores), _joined(self.doubts, below.doubts)
        )


def _joined(above: NDArray[np.uint16] | None, below: NDArray[np.uint16] | None) -> NDArray[np.uint16] | None:
    return None if above is None or below is None else np.concatenate([above, below])
