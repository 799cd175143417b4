"""Aims by numbers worked out by hand, and against the figures of reports."""

from __future__ import annotations

import numpy as np
import pytest

from rareseg.metrics.aims import ContestDiceAim, CostAim, FBetaAim, RecallAim
from rareseg.metrics.contest_dice import contest_dice
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.figure_spread import GroupedStatistics, figure_spread
from rareseg.metrics.outcomes import ImageTruth, Outcome, outcome_of_tables
from rareseg.metrics.rates import rates
from rareseg.metrics.region_table import RegionTable
from rareseg.metrics.run_samples import draw_run_samples

# Three images and two classes; the last image is clean.
TRUTH = ImageTruth(
    pixels=np.array([[10.0, 0.0], [5.0, 20.0], [0.0, 0.0]]),
    regions=np.array([[2.0, 0.0], [1.0, 4.0], [0.0, 0.0]]),
    megapixels=np.array([0.5, 0.5, 1.0]),
)
OUTCOME = Outcome(
    tp=np.array([[6.0, 0.0], [0.0, 20.0], [0.0, 0.0]]),
    predicted=np.array([[8.0, 0.0], [0.0, 25.0], [0.0, 4.0]]),
    hit=np.array([[1.0, 0.0], [0.0, 4.0], [0.0, 0.0]]),
    false=np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 2.0]]),
)


def test_f_beta_is_that_of_rates() -> None:
    aim = FBetaAim(2.0, (0, 1))
    expected = [rates(6, 2, 9, 0, beta=2.0).f_beta, rates(20, 9, 0, 0, beta=2.0).f_beta]
    found = aim.figure(aim.statistics(TRUTH, OUTCOME).sum(axis=0))
    assert float(found) == pytest.approx(np.mean([float(one) for one in expected]))


def test_recall_at_a_bound() -> None:
    aim = RecallAim(1.5, (0, 1))
    sums = aim.statistics(TRUTH, OUTCOME).sum(axis=0)
    assert float(aim.figure(sums)) == pytest.approx((1 / 3 + 4 / 4) / 2)
    assert float(aim.false_rate(sums)) == 4 / 2
    # Half a false region a megapixel too many; below the bound more recall is better, whatever the rate.
    assert aim.rank(sums).tolist() == pytest.approx([-0.5, 2 / 3, -2.0])


def test_cost_by_hand() -> None:
    aim = CostAim((50.0, 10.0), (1.0, 2.0), missed_image=100.0, false_stop=3.0)
    # image 1: one missed of class 1 and one false; image 2: one missed of class 1, one false of class 2;
    # image 3: two false of class 2 and a stop.
    assert aim.statistics(TRUTH, OUTCOME)[:, 0].tolist() == [50 + 1, 50 + 2, 2 * 2 + 3]
    silent = OUTCOME.only(np.zeros(3, bool))
    assert aim.statistics(TRUTH, silent)[:, 0].tolist() == [100 + 2 * 50, 100 + 50 + 4 * 10, 0]
    assert float(aim.figure(aim.statistics(TRUTH, silent).sum(axis=0))) == pytest.approx(390 / 3)


def tables() -> tuple[CountsTable, RegionTable]:
    rng = np.random.default_rng(0)
    counts, regions = CountsTable(), RegionTable()
    for number in range(9):
        pixels = rng.integers(0, 30, (3, 4)) * (rng.random((3, 1)) > 0.3)
        pixels[:, 3] += 1
        names = ["background", "crack", "pore"]
        where = {"step": 1, "split": "val", "image": f"i{number}", "group": f"g{number // 2}"}
        counts.append(**where, counts=pixels, class_names=names)  # type: ignore[arg-type]
        regions.append(
            **where,
            counts=np.ones((3, 4), int),
            megapixels=0.1,
            class_names=names,  # type: ignore[arg-type]
        )
    return counts, regions


def test_contest_dice_is_that_of_reports() -> None:
    counts, regions = tables()
    truth, outcome, _ = outcome_of_tables(counts, regions)
    aim = ContestDiceAim()
    expected = contest_dice([counts], class_names=["crack", "pore"])
    assert float(aim.figure(aim.statistics(truth, outcome).sum(axis=0))) == pytest.approx(expected.mean)


def test_intervals_are_those_of_reports() -> None:
    """F1 of a class is its Dice: the spread over groups and runs against `contest_dice` and rates' own draws."""
    counts, regions = tables()
    truth, outcome, cube = outcome_of_tables(counts, regions)
    groups = tuple(cube.groups[place] for place in cube.group_index.tolist())
    aim = ContestDiceAim()
    runs = [GroupedStatistics(aim.statistics(truth, outcome), groups)]
    found = figure_spread(runs, aim.figure, num_resamples=200)
    expected = contest_dice([counts], class_names=["crack", "pore"], num_resamples=200)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    dice = FBetaAim(1.0, (0,))
    runs = [GroupedStatistics(dice.statistics(truth, outcome), groups)]
    drawn = draw_run_samples([counts], averaging="pooled", num_resamples=200, seed=0, beta=1.0)
    assert figure_spread(runs, dice.figure).mean == pytest.approx(float(drawn.values[0, 1, 4]))
    zero = figure_spread(runs, dice.figure, minus=runs)
    assert (zero.mean, zero.low, zero.high, zero.share_above_zero) == (0, 0, 0, 0.5)
