"""Precision as a mean over images against the precision of all pixels, and what undefined images do to it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pitfall import Pitfall, Place
from spread import Number, Table, spread
from thesis_counts import BASELINE, PRINTED_PRECISION
from trained_runs import CRACKS, FOILS

import rareseg

__all__ = ["PITFALL", "averages", "foil_thesis"]


def measure(place: Place) -> dict[str, Table]:
    """The thesis's two precisions, and five of the same trained models."""
    rows = {}
    for study in (FOILS, CRACKS):
        for strategy in ("baseline", "wce_icf"):
            runs = [averages(counts) for counts in study.counts(place, strategy)]
            rows[f"{study.name}, {strategy}"] = {name: spread(run[name] for run in runs) for name in runs[0]}
    return {"foil_thesis": foil_thesis(), "conventions": rows}


def foil_thesis() -> dict[str, dict[str, Number]]:
    """Precision that follows from the counts of the foil thesis, and the one that it prints."""
    rows: dict[str, dict[str, Number]] = {}
    for name, counts in BASELINE.items():
        pooled = float(rareseg.rates(*counts).precision)
        printed = PRINTED_PRECISION[name]
        rows[name] = {"pooled over pixels": pooled, "printed": printed, "difference": printed - pooled}
    return rows


def averages(counts: NDArray[np.int64]) -> dict[str, float]:
    """Five precisions of one set of images ``(n, 4)``: tp, fp, fn, tn."""
    by_image = rareseg.rates(*counts.T).precision
    has_class = counts[:, 0] + counts[:, 2] > 0
    return {
        "pooled": float(rareseg.rates(*counts.sum(axis=0)).precision),
        "mean over images": float(np.nanmean(by_image)),
        "undefined as 0": float(np.nan_to_num(by_image, nan=0).mean()),
        "undefined as 1": float(np.nan_to_num(by_image, nan=1).mean()),
        "images with the class": float(np.nanmean(by_image[has_class])),
        "undefined images": float(np.isnan(by_image).sum()),
    }


PITFALL = Pitfall("mean_over_images", ["crackforest"], trains=True, measure=measure)

if __name__ == "__main__":
    PITFALL.main()
