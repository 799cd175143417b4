"""Weights in cross-entropy make regions grow: predicted area over true area, and what precision pays for it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pitfall import Pitfall, Place
from spread import Number, Table, spread
from thesis_counts import CAVITY
from trained_runs import CRACKS, FOILS

import rareseg

__all__ = ["PITFALL", "areas_and_rates"]

WEIGHTS = {"no weights": "baseline", "ISCF": "wce_iscf", "ICF": "wce_icf"}


def measure(place: Place) -> dict[str, Table]:
    """Areas and rates by weights, of trained models and of the foil thesis's cavities."""
    rows: dict[str, dict[str, Number]] = {}
    for study in (FOILS, CRACKS):
        for title, strategy in WEIGHTS.items():
            pooled = study.counts(place, strategy).sum(axis=1)
            runs = [areas_and_rates(counts) for counts in pooled]
            rows[f"{study.name}, {title}"] = {name: spread(run[name] for run in runs) for name in runs[0]}
    return {
        "trained": rows,
        "foil_thesis": {f"cavities, {name}": areas_and_rates(np.array(c)) for name, c in CAVITY.items()},
    }


def areas_and_rates(counts: NDArray[np.int64]) -> dict[str, float]:
    """Predicted over true area and rates of one class's counts ``(4,)``: tp, fp, fn, tn."""
    tp, fp, fn, _ = counts
    found = rareseg.rates(*counts)
    return {
        "predicted / true area": float((tp + fp) / (tp + fn)),
        "TPR": float(found.tpr),
        "precision": float(found.precision),
        "IoU": float(found.iou),
    }


PITFALL = Pitfall("over_weighting", ["crackforest"], trains=True, measure=measure)

if __name__ == "__main__":
    PITFALL.main()
