"""The image gate at work: one score for an image of any size, and the judge that skips images by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray

from rareseg.data.windows import symmetric_indices
from rareseg.inference.predictor import Predictor, ReadWindow
from rareseg.types import Region, Window

__all__ = ["GateScorer", "ImageGate"]

_BATCH = 16


@dataclass(frozen=True)
class GateScorer:
    """Scores an image by its most suspicious patch.

    The gate is asked about patches of the size it was trained on, half overlapping, and the last of each row and
    column flush with the border; the image's score is the largest of their probabilities. In an image that is
    smaller than a patch, pixels are mirrored as in training.

    Args:
        predictor: Runs the network that holds the gate.
        module: Path of the gate below the network's core.
        patch_size: Rows and columns of the patches that the gate was trained on.
    """

    predictor: Predictor
    module: str
    patch_size: tuple[int, int]

    def score(self, read: ReadWindow, height: int, width: int) -> float:
        """Probability, from 0 to 1, that the image holds anything but background.

        Args:
            read: Gives pixels of windows inside the image.
            height: Rows of the image.
            width: Columns of the image.
        """
        corners = list(product(_starts(height, self.patch_size[0]), _starts(width, self.patch_size[1])))
        best = 0.0
        for first in range(0, len(corners), _BATCH):
            patches = [
                self._patch(read, *corner, height, width) for corner in corners[first : first + _BATCH]
            ]
            logits = self.predictor.engine.run(torch.from_numpy(np.stack(patches)), part=self.module)
            best = max(best, float(torch.sigmoid(logits).max()))
        return best

    def _patch(self, read: ReadWindow, row: int, col: int, height: int, width: int) -> NDArray[np.generic]:
        rows = symmetric_indices(row, self.patch_size[0], height)
        cols = symmetric_indices(col, self.patch_size[1], width)
        top, left = int(rows.min()), int(cols.min())
        inside = read(Window(top, left, int(rows.max()) - top + 1, int(cols.max()) - left + 1))
        patch = inside[:, rows - top][:, :, cols - left]
        return patch.astype(np.int32) if patch.dtype == np.uint16 else patch


@dataclass(frozen=True)
class ImageGate:
    """A gate with its threshold.

    Args:
        scorer: Scores an image.
        threshold: Images with a lower score are skipped.
        scores: Scores of regions that are known already.
    """

    scorer: GateScorer
    threshold: float
    scores: Mapping[Region, float] = field(default_factory=dict)

    def is_open(self, read: ReadWindow, height: int, width: int, *, region: Region | None = None) -> bool:
        """Whether the segmenter is asked at all."""
        score = None if region is None else self.scores.get(region)
        if score is None:
            score = self.scorer.score(read, height, width)
        return score >= self.threshold


def _starts(size: int, patch: int) -> list[int]:
    """First rows of the patches along one axis; where the image is smaller than a patch, a single one."""
    if size <= patch:
        return [0]
    return sorted({*range(0, size - patch, max(1, patch // 2)), size - patch})
