"""What other decisions beside the chosen one would give: all thresholds moved together, in steps of logit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rareseg.config.aim import AimSettings
from rareseg.metrics.aims import RecallAim
from rareseg.metrics.bins import BINS_PER_LOGIT, NUM_BINS, nearest_edge
from rareseg.metrics.decision_search import Choice, DecisionSearch
from rareseg.study.build_aim import build_aim
from rareseg.study.read_images import read_images
from rareseg.study.stored_scores import StoredScores

__all__ = ["trade_off"]

_SHIFTS = (-20, -10, -5, 0, 5, 10, 20, 40)
"""Bins by which thresholds are moved."""


def trade_off(
    scores: StoredScores, aim: AimSettings, decision: Mapping[str, Any], *, gate: float | None
) -> list[dict[str, float]]:
    """Figures of one part with all thresholds moved by the same step, regions and gate as they were chosen.

    A class without a threshold stands at 0.5 here, so that it moves too; for 0 the decision is as it was chosen.

    Args:
        scores: Of one part.
        aim: What the decision was chosen for.
        decision: Settings as the key ``decision`` takes them.
        gate: Threshold of the image gate.

    Returns:
        For each step ``shift`` (logit; above 0 less is taken), ``aim``, ``recall`` (of regions, mean over classes) and
        ``false_regions_per_megapixel``.
    """
    names = scores.class_names[1:]
    thresholds = decision.get("thresholds", {})
    edges = [max(1, nearest_edge(thresholds[name])) if name in thresholds else None for name in names]
    bases = [NUM_BINS // 2 if edge is None else edge for edge in edges]
    sizes = tuple(decision.get("smallest_region", {}).get(name, 0) for name in names)
    images, truth = read_images(scores, lowest=[max(1, base + min(_SHIFTS)) for base in bases])
    held = [name for name, pixels in zip(names, truth.pixels.sum(axis=0), strict=True) if pixels]
    built = build_aim(aim, scores.class_names, counted=held)
    recall = RecallAim(0.0, tuple(names.index(name) for name in held))
    search = DecisionSearch(images, truth, built, tuned={}, gate_scores=scores.gate_scores())
    rows = []
    for shift in _SHIFTS:
        moved = tuple(min(NUM_BINS - 1, max(1, base + shift)) for base in bases)
        outcome = search.outcome(Choice(moved if shift else tuple(edges), sizes, gate))
        found = recall.statistics(truth, outcome).sum(axis=0)
        rows.append(
            {
                "shift": shift / BINS_PER_LOGIT,
                "aim": float(built.figure(built.statistics(truth, outcome).sum(axis=0))) if held else np.nan,
                "recall": float(recall.figure(found)) if held else np.nan,
                "false_regions_per_megapixel": float(recall.false_rate(found)),
            }
        )
    return rows
