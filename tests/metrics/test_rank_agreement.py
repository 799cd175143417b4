"""Two rankings of the same runs, against scipy and against hand-made draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from rareseg.errors import DataError, OptionError, UnknownNameError
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.rank_agreement import _tau, rank_agreement
from rareseg.metrics.runs_summary import summarise_runs

CLASSES = ("good", "crack", "hole")


def run(generator: np.random.Generator, skill: float, *, images: int = 8, groups: int = 4) -> CountsTable:
    """A run that finds about ``skill`` of every class."""
    table = CountsTable()
    for number in range(images):
        rows = []
        for support in (900, 60, 40):
            hit = generator.binomial(support, skill)
            false = generator.poisson(20 * (1 - skill))
            rows.append([hit, false, support - hit, 1000 - support - false])
        group = f"g{number % groups}"
        table.append(
            step=1,
            split="test",
            image=f"i{number}",
            group=group,
            counts=np.array(rows).clip(0),
            class_names=CLASSES,
        )
    return table


@pytest.fixture(scope="module")
def sides() -> list[dict[str, list[CountsTable]]]:
    """Six strategies with two runs each, by two sets of labels that agree only in part."""
    generator = np.random.default_rng(3)
    skills = ([0.2, 0.4, 0.5, 0.6, 0.7, 0.8], [0.3, 0.25, 0.6, 0.5, 0.55, 0.9])
    return [
        {f"s{number}": [run(generator, skill) for _ in range(2)] for number, skill in enumerate(side)}
        for side in skills
    ]


def test_tau_and_ranks_are_those_of_scipy(sides) -> None:
    rare = ["crack", "hole"]
    found = rank_agreement(*sides, class_names=rare)
    means = [
        [summarise_runs(tables, leave_out=["good"])[-1].pooled["iou"].mean for tables in side.values()]
        for side in sides
    ]
    assert found.tau == pytest.approx(stats.kendalltau(*means).statistic)
    for ranks, values in zip((found.first, found.second), means, strict=True):
        assert list(ranks.values()) == stats.rankdata(-np.array(values)).tolist()
    assert -1 <= found.low <= found.tau <= found.high <= 1
    assert 0 < found.tau < 1 and found.num_groups == 4


@pytest.mark.parametrize("seed", range(5))
def test_tau_with_ties_is_that_of_scipy(seed: int) -> None:
    generator = np.random.default_rng(seed)
    first, second = generator.integers(0, 4, (2, 20, 6)).astype(float)
    expected = [stats.kendalltau(a, b).statistic for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(_tau(first, second), expected)


def test_level_rankings_have_no_tau() -> None:
    assert np.isnan(_tau(np.ones((1, 3)), np.arange(3.0)[None])[0])


def test_equal_labels_agree_in_every_draw(sides) -> None:
    found = rank_agreement(sides[0], sides[0], class_names=["crack"])
    assert (found.tau, found.low, found.high) == (1.0, 1.0, 1.0)


def test_turned_round_rankings_disagree_in_every_draw() -> None:
    """Skills far enough apart that no draw of groups changes the order."""
    generator = np.random.default_rng(0)
    skills = {"a": 0.1, "b": 0.5, "c": 0.95}
    first = {name: [run(generator, skill)] for name, skill in skills.items()}
    second = {name: [run(generator, 1.05 - skill)] for name, skill in skills.items()}
    found = rank_agreement(first, second, class_names=["crack", "hole"])
    assert (found.tau, found.low, found.high) == (-1.0, -1.0, -1.0)
    assert found.first == {"a": 3.0, "b": 2.0, "c": 1.0}
    assert found.second == {"a": 1.0, "b": 2.0, "c": 3.0}


def test_low_is_best_for_false_positive_rates(sides) -> None:
    found = rank_agreement(*sides, class_names=["crack"], rate="fpr")
    rates = [summarise_runs(t, leave_out=["good", "hole"])[-1].pooled["fpr"].mean for t in sides[0].values()]
    assert list(found.first.values()) == stats.rankdata(rates).tolist()


def test_a_single_group_gives_no_interval() -> None:
    generator = np.random.default_rng(1)
    side = {name: [run(generator, skill, groups=1)] for name, skill in (("a", 0.3), ("b", 0.8))}
    found = rank_agreement(side, side, class_names=["crack"])
    assert found.tau == 1 and np.isnan([found.low, found.high]).all()


def test_mistakes_are_named(sides) -> None:
    first, second = sides
    with pytest.raises(DataError, match="should judge the same runs"):
        rank_agreement(first, {"s0": second["s0"]}, class_names=["crack"])
    with pytest.raises(DataError, match="should be judged on the same images"):
        other = {name: [run(np.random.default_rng(0), 0.5, images=7)] * 2 for name in second}
        rank_agreement(first, other, class_names=["crack"])
    with pytest.raises(UnknownNameError, match="'crak'"):
        rank_agreement(first, second, class_names=["crak"])
    with pytest.raises(UnknownNameError, match="'iuo'"):
        rank_agreement(first, second, class_names=["crack"], rate="iuo")
    with pytest.raises(OptionError, match="'interval' should lie"):
        rank_agreement(first, second, class_names=["crack"], interval=2)
    with pytest.raises(DataError, match="The iou of 's1' is undefined"):
        nothing = CountsTable()
        for number in range(8):
            nothing.append(
                step=1,
                split="test",
                image=f"i{number}",
                group=f"g{number % 4}",
                counts=np.array([[1000, 0, 0, 0], [0, 0, 0, 1000], [0, 0, 0, 1000]]),
                class_names=CLASSES,
            )
        rank_agreement(first, {**second, "s1": [nothing, nothing]}, class_names=["crack"])
