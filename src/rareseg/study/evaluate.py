"""Judge a network on whole regions, by every set of labels: counts, regions, scores and label maps in one pass."""

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
from rareseg.inference.judge import Judge, background_throughout
from rareseg.metrics.counts import confusion_counts
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.region_table import RegionTable
from rareseg.metrics.regions import region_counts
from rareseg.metrics.score_table import ScoreTable
from rareseg.metrics.scores import ScoreHistogram
from rareseg.study.previews import safe_name
from rareseg.study.score_maps import ScoreMap, score_map_path, write_score_map
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
    against: dict[str, EvaluationTables] = field(default_factory=dict)
    """The same by each of the other labels of the dataset."""
    ungated: CountsTable = field(default_factory=CountsTable)
    """Counts of the segmenter without its image gate, where it has one, by the dataset's own labels."""

    def by(self, labels: str | None) -> EvaluationTables:
        """The tables of one set of labels, of the dataset's own for None; made where they are new."""
        if labels is None:
            return self
        return self.against.setdefault(labels, EvaluationTables(self.class_names))

    def write(self, folder: Path) -> None:
        """Write the three Parquet files, those of other labels into ``against/<name>``, and counts without the gate,
        where there is one, into ``ungated``."""
        self.counts.write(folder / "counts.parquet")
        self.regions.write(folder / "regions.parquet")
        self.scores.write(folder / "scores.parquet")
        if len(self.ungated):
            self.ungated.write(folder / "ungated" / "counts.parquet")
        for name, tables in self.against.items():
            tables.write(folder / "against" / name)

    def _add(
        self, where: _Where, target: NDArray[np.uint8], labels: NDArray[np.uint8], bins: NDArray[np.uint8]
    ) -> None:
        """Add the rows of one region: what it should be ``(h, w)``, label map ``(h, w)``, bins ``(k, h, w)``."""
        names, num_classes = self.class_names, len(self.class_names)
        histogram = ScoreHistogram(num_classes)
        histogram.add_bins(target, bins)
        self.counts.append(**where, counts=confusion_counts(target, labels, num_classes), class_names=names)
        self.regions.append(
            **where,
            counts=region_counts(target, labels, num_classes),
            class_names=names,
            megapixels=float((target != IGNORE_INDEX).sum() / 1e6),
        )
        self.scores.append(
            **where, positives=histogram.positives, negatives=histogram.negatives, class_names=names
        )


def evaluate(
    judge: Judge,
    source: Source,
    split: ValSplit | TestSplit,
    tables: EvaluationTables,
    *,
    step: int,
    predictions: Path | None = None,
    score_maps: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Add the rows of every region of ``split`` to ``tables``, by every set of labels of the source.

    Every region is segmented once, also those that a gate skips: what it takes away can then be told.

    Args:
        judge: The network and its decision.
        source: The pixels.
        split: The regions that judge.
        tables: Filled in place.
        step: Optimizer step of the weights.
        predictions: Folder for one indexed png per image; None writes none.
        score_maps: Folder of the run, for one score map per image; None writes none.
        progress: Called with (regions done, regions).
    """
    num_classes = len(tables.class_names)
    palette = source.class_table.palette()
    for number, region in enumerate(split.regions):
        labels, bins, likeliest = judge.segment(source, region, num_classes=num_classes)
        if score_maps is not None:
            path = score_map_path(score_maps, split.name, region.sample)
            write_score_map(path, ScoreMap(bins, likeliest), class_names=tables.class_names, step=step)
        where: _Where = {
            "step": step,
            "split": split.name,
            "image": region.sample,
            "group": source.group(region.sample),
        }
        if judge.gate is not None:
            target = source.read_mask(region.sample, region.window)
            counts = confusion_counts(target, labels, num_classes)
            tables.ungated.append(**where, counts=counts, class_names=tables.class_names)
            if judge.skips(source, region):
                labels, bins = background_throughout(region, num_classes=num_classes)
        for name in (None, *source.other_labels):
            target = source.read_mask(region.sample, region.window, labels=name)
            tables.by(name)._add(where, target, labels, bins)
        if predictions is not None:
            write_indexed_png(predictions / split.name / f"{safe_name(region.sample)}.png", labels, palette)
        if progress:
            progress(number + 1, len(split.regions))
