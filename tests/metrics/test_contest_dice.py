"""The Dice of contests against a loop over masks, and what it does that pooled Dice does not."""

from __future__ import annotations

import numpy as np
import pytest

from rareseg.errors import DataError, UnknownNameError
from rareseg.metrics.contest_dice import contest_dice
from rareseg.metrics.counts import confusion_counts
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.intervals import group_weights

NAMES = ("background", "pit", "scratch")


def one(counts: list[list[int]], *, groups: str = "") -> CountsTable:
    """A table of one class; image i has ``counts[i]``."""
    table = CountsTable()
    for number, row in enumerate(counts):
        group = groups[number] if groups else ""
        table.append(step=1, split="test", image=f"i{number}", group=group, counts=[row], class_names=["pit"])
    return table


def scored(target: np.ndarray, prediction: np.ndarray) -> list[float]:
    """Dice of every foreground class of one image, by the rule as the contest words it."""
    found = []
    for index in (1, 2):
        truth, said = target == index, prediction == index
        both = truth.sum() + said.sum()
        found.append(1.0 if not both else 2.0 * float((truth & said).sum()) / float(both))
    return found


def test_it_is_the_mean_over_pairs_of_image_and_class() -> None:
    rng = np.random.default_rng(0)
    table, expected = CountsTable(), []
    for number in range(12):
        target, prediction = (np.zeros((9, 11), np.uint8) for _ in range(2))
        if number % 3:
            target[2:6, 3:8] = 1 + number % 2
        if number % 4:
            prediction[rng.integers(4) :, rng.integers(6) :] = rng.integers(1, 3)
        table.append(
            step=1,
            split="test",
            image=str(number),
            group="",
            counts=confusion_counts(target, prediction, 3),
            class_names=NAMES,
        )
        expected += scored(target, prediction)
    assert {0.0, 1.0} < set(expected)
    found = contest_dice([table], class_names=NAMES[1:])
    assert found.mean == pytest.approx(np.mean(expected), abs=1e-12)
    assert (found.num_classes, found.num_groups, found.num_runs) == (2, 12, 1)


def test_silence_scores_the_share_of_sound_images() -> None:
    """Nothing predicted: 7 of 10 sound images give 0.7, while pooled Dice is 0."""
    silent = one([[0, 0, 0, 100]] * 7 + [[0, 0, 20, 80]] * 3)
    assert contest_dice([silent], class_names=["pit"]).mean == pytest.approx(0.7)
    alarmed = one([[0, 1, 0, 99]] * 7 + [[0, 0, 20, 80]] * 3)
    assert contest_dice([alarmed], class_names=["pit"]).mean == 0


def test_an_image_without_a_judged_pixel_is_no_pair() -> None:
    assert contest_dice([one([[0, 0, 0, 0], [3, 2, 0, 95]])], class_names=["pit"]).mean == pytest.approx(0.75)


def test_runs_and_groups_spread_as_in_other_rates() -> None:
    """One run: the interval is the stretched bootstrap over groups, drawn here by hand."""
    table = one([[0, 0, 0, 9], [0, 1, 0, 8], [3, 1, 1, 4], [1, 0, 3, 5]], groups="aabc")
    found = contest_dice([table], class_names=["pit"], num_resamples=400, seed=3, interval=0.8)
    sums, numbers = np.array([1.0, 0.75, 0.4]), np.array([2, 1, 1])
    drawn = np.concatenate(list(group_weights(3, num_resamples=400, seed=3)))
    means = (drawn @ sums) / (drawn @ numbers)
    value = sums.sum() / 4
    stretched = value + np.sqrt(3 / 2) * (means - value)
    assert found.mean == pytest.approx(value)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(stretched, [0.1, 0.9])))
    other = one([[0, 0, 0, 9], [0, 0, 0, 9], [0, 1, 0, 8], [0, 1, 0, 8]], groups="aabc")
    both = contest_dice([table, other], class_names=["pit"])
    assert (both.mean, both.minimum, both.maximum) == pytest.approx(((value + 0.5) / 2, 0.5, value))
    assert both.num_runs == 2


def test_folds_judge_other_images() -> None:
    first, second = one([[0, 0, 0, 9]], groups="a"), one([[0, 2, 0, 7]], groups="b")
    found = contest_dice([first, second], class_names=["pit"])
    assert (found.mean, found.num_groups) == (0.5, 2)


def test_what_cannot_be_scored_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="no class named 'pitt'"):
        contest_dice([one([[1, 0, 0, 1]])], class_names=["pitt"])
    with pytest.raises(DataError, match="0 tables and 1 classes came"):
        contest_dice([], class_names=["pit"])
