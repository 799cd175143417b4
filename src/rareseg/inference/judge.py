"""What turns images into label maps and scores: a network, its head and its decision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rareseg.data.source import Source
from rareseg.inference.decision import Decision
from rareseg.inference.gate import ImageGate
from rareseg.inference.label_strip import LabelStrip
from rareseg.inference.predictor import Predictor, ReadWindow
from rareseg.inference.small_regions import remove_small_regions
from rareseg.inference.strips import cleaned_strips
from rareseg.metrics.bins import NUM_BINS
from rareseg.metrics.score_bins import score_bins
from rareseg.strategies.head import JudgingHead
from rareseg.types import Region, Window

__all__ = ["Judge", "Segmented", "background_throughout", "reader_of"]


class Segmented(NamedTuple):
    """What is said of a region: label map ``(h, w)``, score bins ``(k, h, w)`` before any temperature, and the class of
    the largest logit ``(h, w)``."""

    labels: NDArray[np.uint8]
    bins: NDArray[np.uint8]
    likeliest: NDArray[np.uint8]


@dataclass(frozen=True)
class Judge:
    """A network with what makes its outputs a label map.

    With a gate, an image that the gate skips is background throughout, with probability 1.
    """

    predictor: Predictor
    head: JudgingHead
    decision: Decision
    gate: ImageGate | None = None

    def segment(self, source: Source, region: Region, *, num_classes: int) -> Segmented:
        """Label map and scores of a region, whatever a gate says of it."""
        height, width = region.window.height, region.window.width
        labels, likeliest = np.zeros((2, height, width), np.uint8)
        bins = np.zeros((num_classes, height, width), np.uint8)
        for window, outputs in self.predictor.iterate(reader_of(source, region), height, width):
            logits = self.head.class_logits(outputs[None])
            rows, cols = window.slices
            labels[rows, cols] = self.decision.labels(logits)[0].cpu().numpy()
            bins[:, rows, cols] = score_bins(logits)[0].cpu().numpy()
            likeliest[rows, cols] = logits.argmax(dim=1)[0].cpu().numpy()
        return Segmented(remove_small_regions(labels, self.decision.smallest_regions), bins, likeliest)

    def skips(self, source: Source, region: Region) -> bool:
        """Whether there is a gate and it skips the region."""
        height, width = region.window.height, region.window.width
        return self.gate is not None and not self.gate.is_open(
            reader_of(source, region), height, width, region=region
        )

    def labels(self, read: ReadWindow, height: int, width: int) -> NDArray[np.uint8]:
        """Label map ``(h, w)`` of an image that ``read`` gives the windows of."""
        labels = np.zeros((height, width), np.uint8)
        if self.gate is None or self.gate.is_open(read, height, width):
            for strip in self.strips(read, height, width):
                labels[strip.row : strip.end] = strip.labels
        return labels

    def strips(
        self, read: ReadWindow, height: int, width: int, *, first_row: int = 0, scores: bool = False
    ) -> Iterator[LabelStrip]:
        """The same from ``first_row`` on, a few rows at a time and whatever a gate says; see `cleaned_strips`."""
        return cleaned_strips(self, read, height, width, first_row=first_row, scores=scores)


def background_throughout(region: Region, *, num_classes: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Label map and score bins of a region that a gate skips: background with probability 1."""
    height, width = region.window.height, region.window.width
    bins = np.zeros((num_classes, height, width), np.uint8)
    bins[0] = NUM_BINS - 1
    return np.zeros((height, width), np.uint8), bins


def reader_of(source: Source, region: Region) -> ReadWindow:
    """Reads windows of a region, counted from the region's own corner."""

    def read(window: Window) -> NDArray[np.generic]:
        return source.read_image(region.sample, window.shifted(region.window.row, region.window.col))

    return read
