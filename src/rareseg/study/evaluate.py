"""Judge a network on whole regions: counts, region counts, score histograms and label maps in one pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from rareseg.data.indexed_png import write_indexed_png
from rareseg.data.source import Source
from rareseg.data.splits import TestSplit, ValSplit
from rareseg.metrics.counts import confusion_counts
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.region_table import RegionTable
from rareseg.metrics.regions import region_counts
from rareseg.metrics.score_table import ScoreTable
from rareseg.metrics.scores import ScoreHistogram
from rareseg.study.judge import Judge
from rareseg.study.previews import safe_name
from rareseg.types import IGNORE_INDEX

__all__ = ["EvaluationTables", "evaluate"]


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
