"""The image gate of a run: its threshold chosen on validation, its scores, and the file that keeps both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rareseg.artefacts import read_json, write_json
from rareseg.config.study import BudgetSettings
from rareseg.data.source import Source
from rareseg.data.splits import TestSplit, ValSplit
from rareseg.inference.gate import GateScorer
from rareseg.inference.judge import Judge, reader_of
from rareseg.metrics.gate_threshold import GateChoice, gate_threshold
from rareseg.types import IGNORE_INDEX

__all__ = ["GateRow", "choose_gate", "read_gate", "score_images", "scorer_of", "write_gate"]


@dataclass(frozen=True)
class GateRow:
    """One judged image: the gate's score and whether the image really holds a defect."""

    image: str
    score: float
    holds: bool


def scorer_of(judge: Judge, budget: BudgetSettings) -> GateScorer:
    """The scorer of a judge whose head has a gate."""
    gate = judge.head.gate
    assert gate is not None
    return GateScorer(judge.predictor, "gate", gate.patch_size or budget.patch_size)


def choose_gate(judge: Judge, rows: Sequence[GateRow]) -> GateChoice:
    """The threshold from the rows of the validation part."""
    gate = judge.head.gate
    assert gate is not None
    scores, holds = [row.score for row in rows], [row.holds for row in rows]
    return gate_threshold(scores, holds, beta=gate.beta, threshold=gate.threshold)


def score_images(
    scorer: GateScorer,
    source: Source,
    split: ValSplit | TestSplit,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> list[GateRow]:
    """Score every region of a part."""
    rows = []
    for number, region in enumerate(split.regions, start=1):
        score = scorer.score(reader_of(source, region), region.window.height, region.window.width)
        mask = source.read_mask(region.sample, region.window)
        rows.append(GateRow(region.sample, score, bool(np.any((mask != 0) & (mask != IGNORE_INDEX)))))
        if progress:
            progress(number, len(split.regions))
    return rows


def write_gate(path: Path, choice: GateChoice, rows: Mapping[str, Sequence[GateRow]]) -> None:
    """Write ``gate.json``: the threshold, what it does on validation, and the scores of every judged image."""
    images = [
        {
            "split": split,
            "image": row.image,
            "score": row.score,
            "holds": row.holds,
            "open": row.score >= choice.threshold,
        }
        for split, found in rows.items()
        for row in found
    ]
    write_json(path, {**choice._asdict(), "chosen_on": "val", "images": images}, kind="gate")


def read_gate(path: Path) -> float:
    """The threshold in ``gate.json``."""
    return float(read_json(path, kind="gate")["threshold"])
