"""A threshold picked on the images that judge it, against one picked on equally many other images.

Test images of trained baselines are drawn without replacement into two parts, 400 times for each seed. Both ways
judge the same images; draws in which a part lacks the class are left out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pitfall import Pitfall, Place
from spread import Number, Table, spread
from trained_runs import CRACKS, FOILS

import rareseg
from rareseg.metrics.curves import best_threshold, counts_at

__all__ = ["PITFALL", "picked_twice"]

NUM_IMAGES, NUM_DRAWS = (2, 4, 8, 16), 400


def measure(place: Place) -> dict[str, Table]:
    """F1 both ways by the number of images; spread over trainings."""
    return {
        study.name: {
            f"{num} images": _row([picked_twice(scores, num) for scores in study.scores(place, "baseline")])
            for num in NUM_IMAGES
        }
        for study in (CRACKS, FOILS)
    }


def picked_twice(scores: NDArray[np.int64], num: int) -> tuple[float, float]:
    """Mean F1 of ``num`` images with a threshold picked on them, and on as many others.

    Args:
        scores: ``(images, 2, 256)`` histograms of positives and negatives.
        num: Images in each part; at most half of all.
    """
    found = []
    for draw in range(NUM_DRAWS):
        order = np.random.default_rng([num, draw]).permutation(len(scores))
        judged, others = scores[order[:num]].sum(axis=0), scores[order[num : 2 * num]].sum(axis=0)
        if not judged[0].sum() or not others[0].sum():
            continue
        counts = counts_at(judged[0], judged[1], best_threshold(others[0], others[1]).threshold)
        found.append((best_threshold(judged[0], judged[1]).f_beta, float(rareseg.rates(*counts).dice)))
    same, other = np.mean(found, axis=0)
    return float(same), float(other)


def _row(runs: list[tuple[float, float]]) -> dict[str, Number]:
    return {
        "F1, picked on the same images": spread(same for same, _ in runs),
        "F1, picked on others": spread(other for _, other in runs),
        "too high by": spread(same - other for same, other in runs),
    }


PITFALL = Pitfall("threshold_on_test", ["crackforest"], trains=True, measure=measure)

if __name__ == "__main__":
    PITFALL.main()
