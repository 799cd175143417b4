"""Judge a network on whole regions: counts, region counts, score histograms and label maps in one pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from rareseg.data.indexed_png import write_indexed_png
from rareseg.data.source import Source
from rareseg.data.splits import TestSplit, ValSplit
from rareseg.inference.decision import Decision
from rareseg.inference.predictor import Predictor, ReadWindow
from rareseg.metrics.counts import confusion_counts
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.region_table import RegionTable
from rareseg.metrics.regions import region_counts
from rareseg.metrics.score_bins import score_bins
from rareseg.metrics.score_table import ScoreTable
from rareseg.metrics.scores import ScoreHistogram
from rareseg.strategies.heads import Head
from rareseg.study.previews import safe_name
from rareseg.types import IGNORE_INDEX, Region, Window

__all__ = ["EvaluationTables", "Judge", "evaluate", "quick_score"]


class _Where(TypedDict):
    step: int
    split: str
    image: str
    group: str


@dataclass
class EvaluationTables:
    """What an evaluation adds to: one row per image and class in each."""

    class_names: tuple[str, ...]
    counts: CountsTable = field(default_factory=CountsTable)
    regions: RegionTable = field(default_factory=RegionTable)
    scores: ScoreTable = field(default_factory=ScoreTable)

    def write(self, folder: Path) -> None:
        """Write the three Parquet files."""
        self.counts.write(folder / "counts.parquet")
        self.regions.write(folder / "regions.parquet")
        self.scores.write(folder / "scores.parquet")


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


def evaluate(
    judge: Judge,
    source: Source,
    split: ValSplit | TestSplit,
    tables: EvaluationTables,
    *,
    step: int,
    predictions: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Add the rows of every region of ``split`` to ``tables``.

    Args:
        judge: The network and its decision.
        source: The pixels.
        split: The regions that judge.
        tables: Filled in place.
        step: Optimizer step of the weights.
        predictions: Folder for one indexed png per image; None writes none.
        progress: Called with (regions done, regions).
    """
    num_classes = len(tables.class_names)
    palette = source.class_table.palette()
    for number, region in enumerate(split.regions):
        labels, bins = judge.region(source, region)
        target = source.read_mask(region.sample, region.window)
        where: _Where = {
            "step": step,
            "split": split.name,
            "image": region.sample,
            "group": source.group(region.sample),
        }
        histogram = ScoreHistogram(num_classes)
        histogram.add_bins(target, bins)
        tables.counts.append(
            **where, counts=confusion_counts(target, labels, num_classes), class_names=tables.class_names
        )
        tables.regions.append(
            **where,
            counts=region_counts(target, labels, num_classes),
            class_names=tables.class_names,
            megapixels=float((target != IGNORE_INDEX).sum() / 1e6),
        )
        tables.scores.append(
            **where,
            positives=histogram.positives,
            negatives=histogram.negatives,
            class_names=tables.class_names,
        )
        if predictions is not None:
            write_indexed_png(predictions / split.name / f"{safe_name(region.sample)}.png", labels, palette)
        if progress:
            progress(number + 1, len(split.regions))


def quick_score(
    judge: Judge, source: Source, regions: tuple[Region, ...], *, num_classes: int, majority: int
) -> float:
    """Mean pooled Dice of all classes but the majority, over a few validation regions.

    Classes that these regions neither hold nor are predicted in do not count; NaN where none counts.
    """
    total = np.zeros((num_classes, 4), np.int64)
    for region in regions:
        labels = judge.labels(reader_of(source, region), region.window.height, region.window.width)
        total += confusion_counts(source.read_mask(region.sample, region.window), labels, num_classes)
    tp, fp, fn = (total[:, column].astype(float) for column in range(3))
    with np.errstate(invalid="ignore", divide="ignore"):
        dice = 2 * tp / (2 * tp + fp + fn)
    dice[majority] = np.nan
    return float(np.nanmean(dice)) if np.isfinite(dice).any() else float("nan")
