"""Judge a decision on stored scores: the tables that an evaluation would write, without inference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rareseg.inference.decision import build_decision
from rareseg.inference.small_regions import remove_small_regions
from rareseg.metrics.counts import confusion_counts
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.region_table import RegionTable
from rareseg.metrics.regions import region_counts
from rareseg.study.score_maps import ScoreMap
from rareseg.study.stored_scores import StoredScores
from rareseg.types import IGNORE_INDEX

__all__ = ["JudgedDecision", "decide", "judge_decisions"]


@dataclass(frozen=True)
class JudgedDecision:
    """Counts and regions of every image of one part under one decision."""

    counts: CountsTable
    regions: RegionTable


def judge_decisions(
    scores: StoredScores, decisions: Mapping[str, tuple[Mapping[str, Any], float | None]], *, step: int
) -> dict[str, JudgedDecision]:
    """Judge several decisions in one pass over the stored scores.

    Args:
        scores: Of one part.
        decisions: Settings as the key ``decision`` takes them, and the threshold of the image gate, by name.
        step: Step of the weights, for the tables.
    """
    names = scores.class_names
    found = {name: JudgedDecision(CountsTable(), RegionTable()) for name in decisions}
    for image, stored, target in scores.read():
        judged = float((target != IGNORE_INDEX).sum() / 1e6)
        for name, (settings, gate) in decisions.items():
            skipped = gate is not None and bool(scores.gate) and scores.gate[image] < gate
            labels = np.zeros_like(target) if skipped else decide(settings, stored, class_names=names)
            group = scores.images[image]
            found[name].counts.append(
                step=step,
                split=scores.name,
                image=image,
                group=group,
                counts=confusion_counts(target, labels, len(names)),
                class_names=names,
            )
            found[name].regions.append(
                step=step,
                split=scores.name,
                image=image,
                group=group,
                counts=region_counts(target, labels, len(names)),
                class_names=names,
                megapixels=judged,
            )
    return found


def decide(
    settings: Mapping[str, Any], stored: ScoreMap, *, class_names: tuple[str, ...]
) -> NDArray[np.uint8]:
    """Label map ``(h, w)`` of stored scores.

    Args:
        settings: As the recipe's key ``decision`` takes them.
        stored: The scores.
        class_names: The background first.

    Example:
        >>> bins = np.array([[[200, 150]], [[55, 106]]], np.uint8)  # crack at 0.1 % and at 10 %
        >>> stored = ScoreMap(bins, np.zeros((1, 2), np.uint8))
        >>> decide({"name": "thresholds", "thresholds": {"crack": 0.05}}, stored,
        ...        class_names=("background", "crack")).tolist()
        [[0, 1]]
    """
    decision = build_decision(settings, class_names=class_names)
    labels = decision.labels_of_bins(
        torch.from_numpy(stored.bins)[None], torch.from_numpy(stored.likeliest)[None]
    )
    return remove_small_regions(labels[0].numpy(), decision.smallest_regions)
