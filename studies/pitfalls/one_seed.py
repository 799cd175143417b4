"""How often the strategy that wins with one seed is the one that wins by the mean over seeds."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray
from pitfall import Pitfall, Place
from spread import Number, Table, spread
from trained_runs import FOILS

import rareseg

__all__ = ["PITFALL", "winners"]


def measure(place: Place) -> dict[str, Table]:
    """IoU on foils of each strategy over seeds, and the fate of winners by one seed."""
    names = FOILS.strategies
    pooled = np.stack([FOILS.counts(place, name).sum(axis=1) for name in names])
    ious = rareseg.rates(*np.moveaxis(pooled, -1, 0)).iou
    best = np.argmax(ious, axis=0)
    strategies: dict[str, dict[str, Number]] = {
        name: {
            "IoU": spread(ious[row]),
            "lowest": float(ious[row].min()),
            "highest": float(ious[row].max()),
            "seeds with which it is best": int((best == row).sum()),
        }
        for row, name in enumerate(names)
    }
    nearest = np.sort(np.argsort(ious.mean(axis=1))[-2:])
    table = {f"best of {k}": winners(ious, k) for k in range(2, len(names) + 1)}
    table[f"{names[nearest[0]]} or {names[nearest[1]]}"] = winners(ious[nearest], 2)
    return {"strategies": strategies, "winners": table}


def winners(values: NDArray[np.float64], k: int) -> dict[str, float]:
    """Averages over every choice of k strategies and of one seed for each of them.

    Args:
        values: ``(strategies, seeds)``, higher is better.
        k: Strategies that are compared.
    """
    means, found = values.mean(axis=1), []
    for chosen in combinations(range(len(values)), k):
        for seeds in product(range(values.shape[1]), repeat=k):
            single = values[chosen, seeds]
            winner = chosen[int(np.argmax(single))]
            found.append((winner == chosen[int(np.argmax(means[list(chosen)]))], single.max(), means[winner]))
    right, shown, true = np.mean(np.array(found, np.float64), axis=0)
    return {
        "winner is the best by the mean": float(right),
        "IoU of the winner, its one seed": float(shown),
        "IoU of the winner, mean of seeds": float(true),
        "too high by": round(float(shown - true), 9),
    }


PITFALL = Pitfall("one_seed", [], trains=True, measure=measure)

if __name__ == "__main__":
    PITFALL.main()
