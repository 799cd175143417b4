"""The search counts what evaluation would count, and never ends below its start."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rareseg.inference.small_regions import remove_small_regions
from rareseg.inference.threshold_decision import ThresholdDecision
from rareseg.metrics.aims import Aim, ContestDiceAim, CostAim, FBetaAim, RecallAim
from rareseg.metrics.counts import confusion_counts
from rareseg.metrics.decision_search import Choice, DecisionSearch
from rareseg.metrics.outcomes import ImageTruth, Outcome
from rareseg.metrics.regions import region_counts
from rareseg.metrics.score_bins import score_bins
from rareseg.metrics.stored_image import StoredImage

Image = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]
NUM = 4
LOWEST = 60


def make_images(seed: int, *, num: int = 6, size: tuple[int, int] = (20, 24)) -> list[Image]:
    """Scores, likeliest class and masks: blobs of three classes, one image blank, some pixels ignored."""
    rng = np.random.default_rng(seed)
    images = []
    for number in range(num):
        target = np.zeros(size, np.uint8)
        for index in () if number == 0 else (1, 2, 3, 1):
            row, col = rng.integers(0, size[0] - 4), rng.integers(0, size[1] - 4)
            target[row : row + rng.integers(1, 5), col : col + rng.integers(1, 5)] = index
        logits = rng.normal(0, 1.2, (NUM, *size))
        logits[0] += 2.0
        for index in range(1, NUM):
            logits[index] += 2.5 * (target == index)
        target[rng.random(size) < 0.05] = 255
        found = torch.from_numpy(logits)[None]
        images.append((score_bins(found)[0].numpy(), found.argmax(dim=1)[0].to(torch.uint8).numpy(), target))
    return images


def truth_of(images: list[Image]) -> ImageTruth:
    pixels = [confusion_counts(t, np.zeros_like(t), NUM)[1:, 2] for _, _, t in images]
    regions = [region_counts(t, np.zeros_like(t), NUM)[1:, 0] for _, _, t in images]
    area = [float((t != 255).sum()) / 1e6 for _, _, t in images]
    return ImageTruth(np.array(pixels, float), np.array(regions, float), np.array(area))


def outcome_by_evaluation(images: list[Image], choice: Choice) -> Outcome:
    """The label maps of the decision, counted as an evaluation counts them."""
    decision = ThresholdDecision(
        {i + 1: edge for i, edge in enumerate(choice.edges) if edge is not None}, NUM
    )
    tallied = []
    for bins, likeliest, target in images:
        labels = decision.labels_of_bins(torch.from_numpy(bins)[None], torch.from_numpy(likeliest)[None])
        cleaned = remove_small_regions(labels[0].numpy(), (0, *choice.smallest))
        pixels = confusion_counts(target, cleaned, NUM)[1:]
        regions = region_counts(target, cleaned, NUM)[1:]
        tallied.append(
            np.stack([pixels[:, 0], pixels[:, 0] + pixels[:, 1], regions[:, 1], regions[:, 3]], axis=1)
        )
    return Outcome(*np.moveaxis(np.array(tallied, float), -1, 0))


def search_on(images: list[Image], aim: Aim, **options: object) -> DecisionSearch:
    stored = [StoredImage.of(*image, lowest=[LOWEST] * 3) for image in images]
    return DecisionSearch(stored, truth_of(images), aim, tuned=dict.fromkeys(range(3), LOWEST), **options)  # type: ignore[arg-type]


CHOICES = [
    Choice((None, None, None), (0, 0, 0)),
    Choice((None, 90, 140), (0, 5, 2)),
    Choice((80, 80, 80), (0, 0, 0)),
    Choice((70, None, 120), (8, 3, 0)),
    Choice((118, 128, 60), (2, 2, 30)),
]
AIMS: list[Aim] = [
    FBetaAim(1.0, (0, 1, 2)),
    FBetaAim(2.0, (1,)),
    ContestDiceAim(),
    RecallAim(20_000.0, (0, 1, 2)),
    CostAim((50.0, 20.0, 1.0), (1.0, 2.0, 0.0), missed_image=7.0, false_stop=3.0),
]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("choice", CHOICES)
def test_counts_are_those_of_an_evaluation(choice: Choice, seed: int) -> None:
    images = make_images(seed)
    found = search_on(images, AIMS[0]).outcome(choice)
    expected = outcome_by_evaluation(images, choice)
    for name in ("tp", "predicted", "hit", "false"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)


@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize("choice", CHOICES)
def test_every_threshold_of_a_line_is_counted_right(choice: Choice, index: int) -> None:
    """What a line search counts at once, against the decision made anew for each threshold."""
    images = make_images(7)
    search = search_on(images, AIMS[0])
    edges = np.array([60, 75, 99, 128, 131, 200, 255])
    by_regions = search._regions_at(choice, index, edges, search._reaches(choice, index))
    by_pixels = search._pixels_at_all(choice, index)
    for place, edge in enumerate(edges.tolist()):
        changed = Choice((*choice.edges[:index], edge, *choice.edges[index + 1 :]), choice.smallest)
        whole = outcome_by_evaluation(images, changed)
        expected = np.stack([whole.tp, whole.predicted, whole.hit, whole.false], axis=-1)
        np.testing.assert_array_equal(by_regions[place], expected)
        if not any(choice.smallest):
            np.testing.assert_array_equal(by_pixels[edge][..., :2], expected[..., :2])


@pytest.mark.parametrize("aim", AIMS, ids=lambda aim: type(aim).__name__)
@pytest.mark.parametrize("seed", range(3))
def test_never_worse_than_the_start(aim: Aim, seed: int) -> None:
    images = make_images(seed)
    search = search_on(images, aim)
    start = Choice((None,) * 3, (0,) * 3)
    found = search.ascend(start)
    truth = truth_of(images)
    before, after = (
        tuple(aim.rank(aim.statistics(truth, outcome_by_evaluation(images, one)).sum(axis=0)))
        for one in (start, found)
    )
    assert after >= before
    assert search.better(start, found) == (found if after > before else start)


def test_finds_the_best_of_all_thresholds_of_one_class() -> None:
    """One class alone: the search against every threshold tried by hand."""
    images = make_images(3)
    aim = FBetaAim(1.0, (0,))
    stored = [StoredImage.of(*image, lowest=[LOWEST] * 3) for image in images]
    search = DecisionSearch(stored, truth_of(images), aim, tuned={0: LOWEST})
    found = search.ascend(Choice((None,) * 3, (0,) * 3), with_sizes=False)
    tried = [Choice((edge, None, None), (0,) * 3) for edge in range(LOWEST, 256)]
    best = max(float(search.rank(one)[0]) for one in tried)
    assert float(search.rank(found)[0]) == pytest.approx(best)


def test_the_gate_is_set_where_false_stops_end() -> None:
    """Silence on the blank image is worth more than what the gate misses elsewhere; scores tell it apart."""
    images = make_images(1)
    aim = CostAim((0.0,) * 3, (1e-6,) * 3, missed_image=1.0, false_stop=10.0)
    scores = np.array([0.2, 0.9, 0.8, 0.7, 0.6, 0.95])
    search = search_on(images, aim, gate_scores=scores)
    found = search.ascend(Choice((None,) * 3, (0,) * 3, gate=0.0))
    assert found.gate is not None
    assert 0.2 < found.gate <= 0.6
    assert not (search.outcome(found).alarm & ~truth_of(images).holds).any()


def test_equal_decisions_leave_argmax() -> None:
    """Where the argmax is faultless nothing is better, so nothing changes."""
    images = []
    for bins, _, target in make_images(0):
        perfect = np.where(target == 255, 0, target).astype(np.uint8)
        sure = np.where(np.arange(NUM)[:, None, None] == perfect, 250, 5).astype(np.uint8)
        assert sure.shape == bins.shape
        images.append((sure, perfect, target))
    start = Choice((None,) * 3, (0,) * 3)
    for aim in itertools.chain(AIMS[:3]):
        assert search_on(images, aim).ascend(start) == start
