"""One row of figures for each class of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rareseg.inspection.class_statistics import MaskStatistics

if TYPE_CHECKING:
    from rareseg.data.source import Source

__all__ = ["class_rows"]

NUM_EXAMPLES = 6


def class_rows(source: Source, masks: Sequence[MaskStatistics]) -> list[dict[str, Any]]:
    """Sum up every class over all masks.

    Returns:
        JSON-like rows in the order of class indices: ``name``, ``value``, ``color``, ``pixels``, ``share``
        (of labelled pixels), ``images``, ``groups``, ``regions``, ``region_size`` (min, median, max in
        pixels, None without regions), ``histogram`` (regions whose size lies between two ``edges``, which
        double) and ``examples`` (samples that hold most of it, from as many groups as there are).
    """
    table = source.class_table
    total = sum(int(mask.pixels.sum()) for mask in masks)
    rows = []
    for index, name in enumerate(table.names):
        sizes = np.concatenate([mask.region_sizes[index] for mask in masks] or [np.zeros(0, np.int64)])
        holders = [mask for mask in masks if len(mask.region_sizes[index])]
        rows.append(
            {
                "name": name,
                "value": table.values[index],
                "color": "#{:02x}{:02x}{:02x}".format(*table.colors[index]),
                "pixels": int(sizes.sum()),
                "share": int(sizes.sum()) / max(1, total),
                "images": len(holders),
                "groups": len({source.group(mask.sample) for mask in holders}),
                "regions": len(sizes),
                "region_size": _quantiles(sizes),
                "histogram": _histogram(sizes),
                "examples": _examples(source, holders, index),
            }
        )
    return rows


def _quantiles(sizes: NDArray[np.int64]) -> dict[str, float] | None:
    if not len(sizes):
        return None
    return {"min": int(sizes.min()), "median": float(np.median(sizes)), "max": int(sizes.max())}


def _histogram(sizes: NDArray[np.int64]) -> dict[str, list[int]]:
    """Counts of sizes in 1, 2..3, 4..7 and so on; ``edges`` has one entry more than ``counts``."""
    if not len(sizes):
        return {"edges": [], "counts": []}
    bins = np.floor(np.log2(sizes)).astype(np.int64)
    counts = np.bincount(bins)
    return {"edges": [2**power for power in range(len(counts) + 1)], "counts": counts.tolist()}


def _examples(source: Source, holders: Sequence[MaskStatistics], index: int) -> list[str]:
    chosen: list[str] = []
    later: list[str] = []
    groups: set[str] = set()
    for mask in sorted(holders, key=lambda mask: (-int(mask.region_sizes[index].sum()), mask.sample)):
        group = source.group(mask.sample)
        (later if group in groups else chosen).append(mask.sample)
        groups.add(group)
    return (chosen + later)[:NUM_EXAMPLES]
