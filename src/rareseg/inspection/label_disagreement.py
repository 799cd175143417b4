"""How far other labels of the same images are from the dataset's own ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rareseg.inspection.thread_map import thread_map
from rareseg.metrics.counts import confusion_matrix
from rareseg.types import IGNORE_INDEX, Region

if TYPE_CHECKING:
    from rareseg.data.source import Source
    from rareseg.data.splits import Splits

__all__ = ["label_disagreement"]


def label_disagreement(source: Source, splits: Splits) -> dict[str, dict[str, dict[str, Any]]]:
    """Compare the own labels with each set of other labels, pixel by pixel.

    Pixels that either side ignores do not count.

    Args:
        source: The dataset.
        splits: Its parts.

    Returns:
        By name of the labels and part, JSON-like: ``pixels`` that count, ``disagreement`` (share of them with
        another class; None without pixels), ``confusion`` (rows: own classes, columns: other labels' classes, in
        pixels) and ``classes``: for each class ``name``, pixels by the ``own`` and by the ``other`` labels,
        pixels by ``both``, ``iou`` between the two (None where neither holds the class) and ``taken_for``, the
        class that the other labels most often have where they differ from the own one (None where they never do).

    Raises:
        DataError: A mask cannot be read; the source says which.
    """
    names = source.class_table.names
    table: dict[str, dict[str, dict[str, Any]]] = {}
    for labels in source.other_labels:
        table[labels] = {}
        for part in (splits.train, splits.val, splits.test):
            if part is None:
                continue

            def compare(region: Region, labels: str = labels) -> NDArray[np.int64]:
                own = source.read_mask(region.sample, region.window)
                other = source.read_mask(region.sample, region.window, labels=labels)
                ignored = (own == IGNORE_INDEX) | (other == IGNORE_INDEX)
                target = np.where(ignored, np.uint8(IGNORE_INDEX), own)
                return confusion_matrix(target, np.where(ignored, np.uint8(0), other), len(names))

            none = np.zeros((len(names), len(names)), np.int64)
            table[labels][part.name] = _rows(sum(thread_map(compare, part.regions), none), names)
    return table


def _rows(confusion: NDArray[np.int64], names: tuple[str, ...]) -> dict[str, Any]:
    total, both = int(confusion.sum()), np.diagonal(confusion)
    own, other = confusion.sum(axis=1), confusion.sum(axis=0)
    classes = []
    for index, name in enumerate(names):
        either = int(own[index] + other[index] - both[index])
        differing = confusion[index].copy()
        differing[index] = 0
        classes.append(
            {
                "name": name,
                "own": int(own[index]),
                "other": int(other[index]),
                "both": int(both[index]),
                "iou": int(both[index]) / either if either else None,
                "taken_for": names[int(differing.argmax())] if differing.any() else None,
            }
        )
    return {
        "pixels": total,
        "disagreement": 1 - int(both.sum()) / total if total else None,
        "confusion": confusion.tolist(),
        "classes": classes,
    }
