"""What is known of a run's quality, for those who only see its bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.estimate import Estimate
from rareseg.metrics.summary import summarise

__all__ = ["measured_quality"]

_RATES = ("iou", "tpr", "precision")


def measured_quality(counts: Path, *, step: int) -> dict[str, Any]:
    """Pooled IoU, TPR and precision of every class with intervals over groups, on test where the run was judged on it.

    Args:
        counts: The run's ``counts.parquet``; the result is empty where it does not exist.
        step: Step of the exported weights.

    Returns:
        ``{"split", "images", "groups", "interval", "decision", "classes": {name: {rate: {value, low, high}}}}``; a
        value that is undefined is None.
    """
    if not counts.is_file():
        return {}
    table = CountsTable.read(counts)
    for split in ("test", "val"):
        part = table.select(step=step, split=split)
        if not len(part):
            continue
        found = summarise(part)
        return {
            "split": split,
            "images": found[0].num_images,
            "groups": found[0].num_groups,
            "interval": 0.95,
            "decision": "the run's own",
            "classes": {
                item.class_name: {rate: _cell(item.pooled[rate]) for rate in _RATES} for item in found
            },
        }
    return {}


def _cell(estimate: Estimate) -> dict[str, float | None]:
    values = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    return {key: None if np.isnan(value) else round(float(value), 4) for key, value in values.items()}
