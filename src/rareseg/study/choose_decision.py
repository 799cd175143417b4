"""Choose a decision on the stored scores of the validation images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rareseg.config.aim import AimSettings
from rareseg.errors import DataError
from rareseg.metrics.aims import FBetaAim
from rareseg.metrics.bins import NUM_BINS, bin_edges
from rareseg.metrics.decision_search import Choice, DecisionSearch
from rareseg.metrics.outcomes import ImageTruth
from rareseg.metrics.temperature import fit_temperature
from rareseg.study.build_aim import build_aim
from rareseg.study.read_images import read_images
from rareseg.study.stored_scores import ValScores
from rareseg.types import IGNORE_INDEX

__all__ = ["ChosenDecision", "choose_decision"]

_MOST_TIMES, _MOST_SHARE = 50, 0.1
"""A threshold is looked at where the class alone would take at most so many times its own pixels, and at most this
share of all pixels: lower ones only fill images."""
_CALIBRATION_PIXELS = 2_000_000


@dataclass(frozen=True)
class ChosenDecision:
    """What was chosen.

    Attributes:
        decision: Settings as the recipe's key ``decision`` takes them.
        gate: Threshold of the image gate; None without one.
        kept: Classes that keep argmax's rule, as validation holds none of them.
        groups: Regions of each class in validation, and the groups that hold it.
    """

    decision: Mapping[str, Any]
    gate: float | None
    kept: tuple[str, ...]
    groups: Mapping[str, tuple[int, int]]


def choose_decision(
    scores: ValScores,
    settings: AimSettings,
    *,
    gate: float | None,
    progress: Callable[[str], None] | None = None,
) -> ChosenDecision:
    """Choose thresholds, smallest regions, gate and temperature on validation.

    The search goes up from argmax and, where regions count, from the thresholds of the best F1 of pixels; the better
    of what it comes to is taken, and argmax where nothing is better by the aim.

    Args:
        scores: Of the validation images; there is no way to hand over others.
        settings: The aim.
        gate: The run's threshold of its image gate; None without one.
        progress: Called with words on where the search is.

    Raises:
        DataError: Validation holds no class but the background.
    """
    say = progress or (lambda _: None)
    say("reading scores")
    lowest, temperature = _first_look(scores)
    images, truth = read_images(scores, lowest=lowest)
    tuned = {index: lowest[index] for index in range(len(lowest)) if truth.regions[:, index].any()}
    names = scores.class_names[1:]
    if not tuned:
        raise DataError(
            f"Nothing can be tuned: none of the {len(images)} validation images holds {', '.join(names)}; choose "
            "another split."
        )
    aim = build_aim(settings, scores.class_names, counted=[names[index] for index in tuned])
    search = DecisionSearch(images, truth, aim, tuned=tuned, gate_scores=scores.gate_scores(), progress=say)
    choice = _search(
        search, Choice((None,) * len(names), (0,) * len(names), gate), aim.by_regions, tuple(tuned)
    )
    return ChosenDecision(
        decision=_settings(choice, names, temperature),
        gate=choice.gate,
        kept=tuple(name for index, name in enumerate(names) if index not in tuned),
        groups=_groups(scores, truth),
    )


def _search(search: DecisionSearch, argmax: Choice, by_regions: bool, tuned: tuple[int, ...]) -> Choice:
    """The best of the climbs from several starts; argmax itself where none is better."""
    starts = [argmax]
    if by_regions:
        starts.append(search.with_aim(FBetaAim(1.0, tuned)).ascend(argmax, with_sizes=False))
    best = argmax
    for start in starts:
        best = search.better(best, search.ascend(start))
    return best


def _first_look(scores: ValScores) -> tuple[list[int], float]:
    """Lowest threshold of each class but the background, and the temperature."""
    num = len(scores.class_names)
    above, support, pixels = np.zeros((num, NUM_BINS), np.int64), np.zeros(num, np.int64), 0
    sample: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]] = []
    total = sum(target.size for _, _, target in scores.read())
    stride = max(1, total // _CALIBRATION_PIXELS)
    for _, found, target in scores.read():
        judged = target != IGNORE_INDEX
        bins, labels = found.bins[:, judged], target[judged]
        support += np.bincount(labels, minlength=num)[:num]
        pixels += labels.size
        for index in range(1, num):
            above[index] += np.bincount(bins[index], minlength=NUM_BINS)
        sample.append((bins[:, ::stride], labels[::stride]))
    lowest = []
    for index in range(1, num):
        taken = np.cumsum(above[index][::-1])[::-1]
        most = min(_MOST_TIMES * support[index], _MOST_SHARE * pixels)
        lowest.append(max(1, int(np.argmax(np.append(taken, 0) <= most))))
    temperature = fit_temperature(
        np.concatenate([bins for bins, _ in sample], axis=1), np.concatenate([labels for _, labels in sample])
    )
    return lowest, temperature


def _groups(scores: ValScores, truth: ImageTruth) -> dict[str, tuple[int, int]]:
    """Regions of each class but the background, and the number of groups that hold it."""
    owners = [group or image for image, group in scores.images.items()]
    return {
        name: (int(number.sum()), len({owners[place] for place in np.flatnonzero(number)}))
        for name, number in zip(scores.class_names[1:], truth.regions.T, strict=True)
    }


def _settings(choice: Choice, names: tuple[str, ...], temperature: float) -> dict[str, Any]:
    """A choice as the key ``decision`` takes it; options without effect are left out."""
    edges = bin_edges()
    thresholds = {
        name: float(edges[edge]) for name, edge in zip(names, choice.edges, strict=True) if edge is not None
    }
    sizes = {name: size for name, size in zip(names, choice.smallest, strict=True) if size > 1}
    found: dict[str, Any] = {"name": "thresholds" if thresholds else "argmax"}
    if thresholds:
        found["thresholds"] = thresholds
    if sizes:
        found["smallest_region"] = sizes
    found["temperature"] = temperature
    return found
