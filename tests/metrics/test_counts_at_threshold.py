"""Counts at a threshold from stored histograms against counts of the probabilities themselves."""

from __future__ import annotations

import numpy as np
import pytest

from rareseg.errors import OptionError
from rareseg.metrics.counts_at_threshold import counts_at_threshold
from rareseg.metrics.rates import rates
from rareseg.metrics.score_table import ScoreTable
from rareseg.metrics.scores import ScoreHistogram
from rareseg.types import IGNORE_INDEX

NAMES = ("background", "crack")


@pytest.fixture
def judged() -> tuple[ScoreTable, dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Three images of a binary problem: their probabilities and masks, and the table made of them."""
    rng = np.random.default_rng(0)
    table, images = ScoreTable(), {}
    for name in "abc":
        target = (rng.random((30, 40)) < 0.1).astype(np.uint8)
        logits = rng.normal(-1, 2, target.shape) + 2.5 * target
        target[0, :7] = IGNORE_INDEX
        probability = 1 / (1 + np.exp(-logits))
        histogram = ScoreHistogram(2)
        histogram.add(target, np.stack([1 - probability, probability]))
        table.append(
            step=5,
            split="test",
            image=name,
            group=f"g{name}",
            positives=histogram.positives,
            negatives=histogram.negatives,
            class_names=NAMES,
        )
        images[name] = (probability, target)
    return table, images


def brute(probability: np.ndarray, target: np.ndarray, threshold: float) -> list[int]:
    counted = target != IGNORE_INDEX
    said, truth = probability[counted] >= threshold, target[counted] == 1
    return [int(n.sum()) for n in (said & truth, said & ~truth, ~said & truth, ~said & ~truth)]


@pytest.mark.parametrize("threshold", [0.25, 0.5, 0.75])
def test_counts_are_those_of_the_probabilities(threshold: float, judged) -> None:
    table, images = judged
    # The nearest edge of bins that are a tenth of a logit wide, worked out from the definition.
    edge = 1 / (1 + np.exp(-np.round(np.log(threshold / (1 - threshold)), 1)))
    assert edge == pytest.approx(threshold, abs=3e-4)
    found = counts_at_threshold(table, threshold)
    names, counts = found.per_image("crack")
    assert names.tolist() == ["a", "b", "c"]
    assert counts.tolist() == [brute(*images[name], edge) for name in "abc"]
    assert (found.steps, found.splits, found.class_names) == ((5,), ("test",), NAMES)
    assert set(found["group"]) == {"ga", "gb", "gc"}


def test_at_the_very_threshold_rates_differ_by_little(judged) -> None:
    """Rounding a quarter to an edge moves a handful of pixels of 3579."""
    table, images = judged
    exact = rates(*np.sum([brute(*images[name], 0.25) for name in "abc"], axis=0))
    binned = rates(*counts_at_threshold(table, 0.25).pooled()["crack"])
    for name in ("accuracy", "tpr", "specificity", "precision", "dice", "iou"):
        assert float(getattr(binned, name)) == pytest.approx(float(getattr(exact, name)), abs=2e-3)


def test_binary_classes_mirror_each_other(judged) -> None:
    counts = counts_at_threshold(judged[0], 0.5).pooled()
    assert counts["background"].tolist() == counts["crack"][::-1].tolist()


def test_an_empty_table_stays_empty() -> None:
    assert len(counts_at_threshold(ScoreTable(), 0.5)) == 0


@pytest.mark.parametrize("threshold", [0, 1, -0.5, 25])
def test_a_threshold_is_a_probability(threshold: float) -> None:
    with pytest.raises(OptionError, match="should lie between 0 and 1"):
        counts_at_threshold(ScoreTable(), threshold)
