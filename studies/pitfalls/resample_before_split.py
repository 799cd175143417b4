"""Rare windows are duplicated before the split, so that copies lie in both parts.

Magnetic tiles in windows of 32 x 32 pixels, one in 31 with a defect on 5 % of its pixels or more. 4000 windows
are drawn ten times; 30 % of them test. Rare windows are repeated until both classes are equally frequent.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from patch_neighbours import Windows, cut_windows, draw_part, linear, nearest_neighbour, score
from pitfall import Pitfall, Place
from spread import Spread, Table, spread

import rareseg

__all__ = ["PITFALL", "duplicate_rare", "weight_change"]

NUM_WINDOWS, NUM_DRAWS = 4000, 10


def measure(place: Place) -> dict[str, Table]:
    """Recall, precision and F1 for each order of the two steps, and how far weights move."""
    windows = cut_windows("magnetic_tile", place.data, size=32, stride=32, least=0.05)
    return {"order": _orders(windows), "weights": _weights(place.data)}


def duplicate_rare(windows: Windows) -> Windows:
    """Repeat the windows with a defect until they are as many as the others."""
    rare = np.flatnonzero(windows.is_defect)
    times = round((len(windows.is_defect) - len(rare)) / len(rare))
    return windows.take(np.concatenate([np.flatnonzero(~windows.is_defect), np.repeat(rare, times)]))


def _orders(windows: Windows) -> Table:
    rows: dict[str, list[list[float]]] = {}
    for seed in range(NUM_DRAWS):
        rng = np.random.default_rng(seed)
        drawn = windows.take(rng.choice(len(windows.is_defect), NUM_WINDOWS, replace=False))
        twice = duplicate_rare(drawn)
        for name, part, in_test in (
            ("duplicated, then split by window", twice, rng.random(len(twice.image)) < 0.3),
            ("split by window, then duplicated", drawn, rng.random(NUM_WINDOWS) < 0.3),
            ("split by tile, then duplicated", drawn, draw_part(drawn.group, rng)),
        ):
            train, test = (part.take(np.flatnonzero(rows)) for rows in (~in_test, in_test))
            train = train if part is twice else duplicate_rare(train)
            for title, classify in (("nearest neighbour", nearest_neighbour), ("linear", linear)):
                rates = score(train, test, classify)
                found = [float(rate) for rate in (rates.tpr, rates.precision, rates.dice)]
                rows.setdefault(f"{title}: {name}", []).append(found)
    return {
        name: {
            column: spread(values[i] for values in rows[name])
            for i, column in enumerate(("recall", "precision", "F1"))
        }
        for name in sorted(rows, key=lambda name: "linear" in name)
    }


def _weights(data: Path) -> Table:
    """ICF weights of the training part and of all images."""
    settings = rareseg.load_dataset(
        Path(__file__).resolve().parents[1] / "magnetic_tile", root=data / "magnetic_tile"
    )
    source = rareseg.open_dataset(settings)
    part = source.column("split")
    columns = [source.column(f"px_{index}") for index in range(len(settings.classes))]
    pixels = np.array([[int(column[name]) for column in columns] for name in source.sample_ids])
    train = pixels[[part[name] == "train" for name in source.sample_ids]]
    return weight_change(train.sum(axis=0), pixels.sum(axis=0), settings.class_names)


def weight_change(
    train: NDArray[np.int64], everything: NDArray[np.int64], names: tuple[str, ...]
) -> dict[str, dict[str, float | int | Spread]]:
    """ICF weight of each class from either count, and their quotient."""
    honest, peeked = (rareseg.class_weights(pixels.tolist(), "icf") for pixels in (train, everything))
    return {
        name: {"from train": float(a), "from all parts": float(b), "quotient": float(b / a)}
        for name, a, b in zip(names, honest, peeked, strict=True)
    }


PITFALL = Pitfall("resample_before_split", ["magnetic_tile"], trains=False, measure=measure)

if __name__ == "__main__":
    PITFALL.main()
