"""Label maps of thresholds, against a rule written pixel by pixel, and from stored scores."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rareseg.errors import ConfigError, OptionError, UnknownNameError
from rareseg.inference.decision import build_decision
from rareseg.inference.threshold_decision import ThresholdDecision
from rareseg.metrics.bins import bin_edges, nearest_edge
from rareseg.metrics.score_bins import score_bins

NAMES = ("background", "crack", "pore", "dent")


def random_logits(seed: int, *, num: int = 4, spread: float = 2.0) -> torch.Tensor:
    return torch.from_numpy(
        np.random.default_rng(seed).normal(0, spread, (2, num, 13, 17)).astype(np.float32)
    )


def by_hand(logits: np.ndarray, thresholds: dict[int, float]) -> int:
    """One pixel in float64: bins of softmax scores, whole bins above the threshold, the first of equals."""
    others = [np.log(np.sum(np.exp(np.delete(logits, c)))) for c in range(len(logits))]
    bins = [int(np.clip(np.floor(10 * (logits[c] - others[c]) + 128), 0, 255)) for c in range(len(logits))]
    best, label = None, 0
    for c in range(1, len(logits)):
        if c in thresholds:
            edge = round(10 * np.log(thresholds[c] / (1 - thresholds[c]))) + 128
            ahead = bins[c] - edge
            if ahead < 0:
                continue
        else:
            if int(np.argmax(logits)) != c:
                continue
            ahead = bins[c] - 128
        if best is None or ahead > best:
            best, label = ahead, c
    return label


@pytest.mark.parametrize("thresholds", [{1: 0.2, 3: 0.7}, {1: 0.05, 2: 0.05, 3: 0.05}, {2: 0.9}, {}])
def test_labels_are_those_of_the_rule(thresholds: dict[int, float]) -> None:
    logits = random_logits(0)
    found = ThresholdDecision.of(thresholds, num_classes=4).labels(logits)
    flat = logits.double().permute(0, 2, 3, 1).reshape(-1, 4).numpy()
    expected = [by_hand(pixel, thresholds) for pixel in flat]
    # In float32 a score may fall on the other side of a bin's edge than in float64.
    assert (found.reshape(-1).numpy() != np.array(expected)).sum() <= 1


def test_without_thresholds_it_is_argmax() -> None:
    logits = random_logits(1)
    found = build_decision({"name": "thresholds"}, class_names=NAMES).labels(logits)
    assert torch.equal(found, logits.argmax(dim=1).to(torch.uint8))


@pytest.mark.parametrize("num", [2, 4])
@pytest.mark.parametrize("spread", [0.3, 2.0, 12.0])
def test_stored_scores_give_the_very_same_labels(num: int, spread: float) -> None:
    """Every pixel, whatever the number of classes: the decision itself is made on bins."""
    logits = random_logits(2, num=num, spread=spread)
    decision = ThresholdDecision.of(dict.fromkeys(range(1, num), 0.13), num_classes=num)
    likeliest = logits.argmax(dim=1).to(torch.uint8)
    assert torch.equal(decision.labels(logits), decision.labels_of_bins(score_bins(logits), likeliest))


def test_two_classes_are_cut_at_the_threshold() -> None:
    """On an edge of a bin, which every tuned threshold is, the cut is that of the probability itself."""
    logits = random_logits(3, num=2)
    edge = float(bin_edges()[100])
    found = ThresholdDecision.of({1: edge}, num_classes=2).labels(logits)
    score = logits.double()[:, 1] - logits.double()[:, 0]
    clear = (score - np.log(edge / (1 - edge))).abs() > 1e-5
    assert torch.equal((found == 1)[clear], (torch.sigmoid(score) >= edge)[clear])


def test_thresholds_on_edges_come_back() -> None:
    edges = bin_edges()
    assert [nearest_edge(float(edges[number])) for number in range(1, 256)] == list(range(1, 256))


def test_the_temperature_changes_no_label() -> None:
    logits = random_logits(4)
    settings = {"name": "thresholds", "thresholds": {"crack": 0.1}}
    plain = build_decision(settings, class_names=NAMES)
    warm = build_decision({**settings, "temperature": 3.0}, class_names=NAMES)
    assert (plain.temperature, warm.temperature) == (1.0, 3.0)
    assert torch.equal(plain.labels(logits), warm.labels(logits))


@pytest.mark.parametrize("name", ["argmax", "thresholds"])
def test_smallest_regions_stand_by_class_index(name: str) -> None:
    decision = build_decision({"name": name, "smallest_region": {"pore": 20}}, class_names=NAMES)
    assert decision.smallest_regions == (0, 0, 20, 0)


def test_mistakes_are_told() -> None:
    for settings, kind, text in (
        ({"thresholds": {"crak": 0.2}}, UnknownNameError, "Did you mean 'crack'?"),
        ({"thresholds": {"background": 0.2}}, OptionError, "the first class is the background"),
        ({"smallest_region": {"background": 2}}, OptionError, "decision.smallest_region names 'background'"),
        ({"thresholds": {"crack": 1.0}}, ConfigError, "less than 1"),
        ({"temperature": 0}, ConfigError, "greater than 0"),
        ({"treshold": {}}, ConfigError, "Did you mean 'thresholds'?"),
    ):
        with pytest.raises(kind, match=text):
            build_decision({"name": "thresholds", **settings}, class_names=NAMES)
    with pytest.raises(ConfigError, match="there is no key 'thresholds'"):
        build_decision({"name": "argmax", "thresholds": {"crack": 0.2}}, class_names=NAMES)
    with pytest.raises(UnknownNameError, match="no decision named 'argmx'"):
        build_decision({"name": "argmx"}, class_names=NAMES)
