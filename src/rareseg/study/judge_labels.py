"""How good the dataset's own labels are by each of its other labels: the most that training on them can promise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from rareseg.data.indexed_png import write_indexed_png
from rareseg.data.source import Source
from rareseg.data.splits import TestSplit, ValSplit
from rareseg.metrics.counts import confusion_counts
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.region_table import RegionTable
from rareseg.metrics.regions import region_counts
from rareseg.study.previews import safe_name
from rareseg.types import IGNORE_INDEX

__all__ = ["judge_labels"]


def judge_labels(
    source: Source,
    parts: Sequence[ValSplit | TestSplit],
    folder: Path,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Judge the own labels of every region as though they were predictions, by every set of other labels.

    Pixels that either side ignores do not count. Step 0 stands in the tables.

    Args:
        source: The dataset.
        parts: What is judged.
        folder: Gets ``<labels>/counts.parquet``, ``<labels>/regions.parquet`` and, for the report's pictures,
            ``<labels>/<part>/<image>.png``.
        progress: Called with (regions done, regions).
    """
    names = source.class_table.names
    counts = {labels: CountsTable() for labels in source.other_labels}
    regions = {labels: RegionTable() for labels in source.other_labels}
    todo = [(part.name, region) for part in parts for region in part.regions]
    for number, (part_name, region) in enumerate(todo, start=1):
        own = source.read_mask(region.sample, region.window)
        for labels in source.other_labels:
            other = source.read_mask(region.sample, region.window, labels=labels)
            picture = folder / labels / part_name / f"{safe_name(region.sample)}.png"
            write_indexed_png(picture, other, source.class_table.palette())
            ignored = (own == IGNORE_INDEX) | (other == IGNORE_INDEX)
            target = np.where(ignored, np.uint8(IGNORE_INDEX), other)
            said = np.where(ignored, np.uint8(0), own)
            group = source.group(region.sample)
            counts[labels].append(
                step=0,
                split=part_name,
                image=region.sample,
                group=group,
                counts=confusion_counts(target, said, len(names)),
                class_names=names,
            )
            regions[labels].append(
                step=0,
                split=part_name,
                image=region.sample,
                group=group,
                counts=region_counts(target, said, len(names)),
                class_names=names,
                megapixels=float((~ignored).sum() / 1e6),
            )
        if progress is not None:
            progress(number, len(todo))
    for labels in source.other_labels:
        counts[labels].write(folder / labels / "counts.parquet")
        regions[labels].write(folder / labels / "regions.parquet")
