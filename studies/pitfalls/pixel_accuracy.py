"""Pixel accuracy of a model that answers background everywhere, from the masks alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pitfall import Pitfall, Place
from spread import Number, Table
from thesis_counts import CAVITY

import rareseg

__all__ = ["PITFALL", "against_models", "background_everywhere"]

STUDIES = Path(__file__).resolve().parents[1]
DATASETS = ("magnetic_tile", "neu_seg_dedup", "crackforest")


def measure(place: Place) -> dict[str, Table]:
    """Accuracy without a model, and beside models that find something."""
    rows: dict[str, dict[str, Number]] = {}
    for name in DATASETS:
        settings = rareseg.load_dataset(STUDIES / name, root=place.data / name)
        source = rareseg.open_dataset(settings)
        pixels = [
            sum(int(number) for number in source.column(f"px_{index}").values())
            for index in range(len(settings.classes))
        ]
        rows |= background_everywhere(name, pixels, settings.class_names)
    return {"background_everywhere": rows, "cavities": against_models()}


def background_everywhere(
    dataset: str, pixels: list[int], names: tuple[str, ...]
) -> dict[str, dict[str, Number]]:
    """Rates of the empty answer: all classes at once, and the rarest class against the rest."""
    total, rarest = sum(pixels), int(np.argmin(pixels))
    against_rest = _row(pixels[rarest], total, (1 - pixels[rarest] / total) / 2)
    rows = {f"{dataset}, {names[rarest]} against the rest": against_rest}
    if len(pixels) > 2:
        all_classes = _row(total - pixels[0], total, pixels[0] / total / len(pixels))
        rows = {f"{dataset}, all classes": all_classes, **rows}
    return rows


def against_models() -> dict[str, dict[str, Number]]:
    """The foil thesis's cavities: three models and the empty answer."""
    tp, fp, fn, tn = CAVITY["no weights"]
    rows = {"background everywhere": (0, 0, tp + fn, tn + fp)}
    rows |= {f"cross-entropy, {name}": counts for name, counts in CAVITY.items()}
    return {name: _rates(counts) for name, counts in rows.items()}


def _row(positive: int, total: int, mean_iou: float) -> dict[str, Number]:
    tn = total - positive
    found = rareseg.rates(0, 0, positive, tn)
    return {
        "one pixel in": round(total / positive),
        "accuracy": float(found.accuracy),
        "mean IoU with background": mean_iou,
        "TPR": float(found.tpr),
    }


def _rates(counts: Sequence[int]) -> dict[str, Number]:
    tp, fp, fn, tn = counts
    found = rareseg.rates(tp, fp, fn, tn)
    return {
        "accuracy": float(found.accuracy),
        "wrong pixels per million": round(1e6 * (fp + fn) / sum(counts)),
        "TPR": float(found.tpr),
        "Dice": float(found.dice),
    }


PITFALL = Pitfall("pixel_accuracy", DATASETS, trains=False, measure=measure)

if __name__ == "__main__":
    PITFALL.main()
