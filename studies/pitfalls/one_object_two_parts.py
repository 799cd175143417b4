"""Windows or images of one object lie in both parts, because the split did not know objects.

Magnetic tiles: all windows of 32 x 32 pixels with a defect and 6000 without. CrackForest: 6000 of the windows of
64 x 64 pixels that overlap their neighbours by half. 30 % test, ten draws; the nearest neighbour classifies.
"""

from __future__ import annotations

import numpy as np
from patch_neighbours import Windows, cut_windows, draw_part, nearest_neighbour, score
from pitfall import Pitfall, Place
from spread import Table, spread

__all__ = ["PITFALL"]

NUM_SOUND, NUM_DRAWS = 6000, 10


def measure(place: Place) -> dict[str, Table]:
    """Rates of windows with a defect by what the split keeps together."""
    tiles = cut_windows("magnetic_tile", place.data, size=32, stride=32, least=0.05)
    roads = cut_windows("crackforest", place.data, size=64, stride=32, least=0.02)
    return {"magnetic_tile": _by_split(tiles), "crackforest": _by_split(roads)}


def _by_split(windows: Windows) -> Table:
    rows: dict[str, list[list[float]]] = {}
    for seed in range(NUM_DRAWS):
        rng = np.random.default_rng(seed)
        sound, rare = np.flatnonzero(~windows.is_defect), np.flatnonzero(windows.is_defect)
        sound = rng.choice(sound, min(len(sound), NUM_SOUND), replace=False)
        drawn = windows.take(np.concatenate([sound, rare]))
        parts = {"window": rng.random(len(drawn.image)) < 0.3, "image": draw_part(drawn.image, rng)}
        if len(np.unique(windows.group)) < len(np.unique(windows.image)):
            parts["object (the group key)"] = draw_part(drawn.group, rng)
        for name, in_test in parts.items():
            train, test = (drawn.take(np.flatnonzero(rows)) for rows in (~in_test, in_test))
            rates = score(train, test, nearest_neighbour)
            found = [float(rate) for rate in (rates.tpr, rates.precision, rates.dice)]
            rows.setdefault(f"split by {name}", []).append(found)
    return {
        name: {
            column: spread(values[i] for values in found)
            for i, column in enumerate(("recall", "precision", "F1"))
        }
        for name, found in rows.items()
    }


PITFALL = Pitfall("one_object_two_parts", ["magnetic_tile", "crackforest"], trains=False, measure=measure)

if __name__ == "__main__":
    PITFALL.main()
