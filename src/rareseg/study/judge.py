"""What turns images into label maps and scores: a network, its head and its decision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rareseg.data.source import Source
from rareseg.inference.decision import Decision
from rareseg.inference.predictor import Predictor, ReadWindow
from rareseg.metrics.score_bins import score_bins
from rareseg.strategies.heads import Head
from rareseg.types import Region, Window

__all__ = ["Judge", "reader_of"]


@dataclass(frozen=True)
class Judge:
    """A network with what makes its outputs a label map."""

    predictor: Predictor
    head: Head
    decision: Decision

    def region(self, source: Source, region: Region) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Label map ``(h, w)`` and score bins ``(k, h, w)`` of a region."""
        height, width = region.window.height, region.window.width
        labels = np.empty((height, width), np.uint8)
        bins: list[NDArray[np.uint8]] = []

        for window, outputs in self.predictor.iterate(reader_of(source, region), height, width):
            logits = self.head.class_logits(outputs[None])
            rows, cols = window.slices
            labels[rows, cols] = self.decision.labels(logits)[0].cpu().numpy()
            found = score_bins(logits)[0].cpu().numpy()
            if not bins:
                bins.append(np.empty((found.shape[0], height, width), np.uint8))
            bins[0][:, rows, cols] = found
        return labels, bins[0]

    def labels(self, read: ReadWindow, height: int, width: int) -> NDArray[np.uint8]:
        """Label map ``(h, w)`` of an image that ``read`` gives the windows of."""
        labels = np.empty((height, width), np.uint8)
        for window, outputs in self.predictor.iterate(read, height, width):
            rows, cols = window.slices
            labels[rows, cols] = self.decision.labels(self.head.class_logits(outputs[None]))[0].cpu().numpy()
        return labels


def reader_of(source: Source, region: Region) -> ReadWindow:
    """Reads windows of a region, counted from the region's own corner."""

    def read(window: Window) -> NDArray[np.generic]:
        return source.read_image(region.sample, window.shifted(region.window.row, region.window.col))

    return read
