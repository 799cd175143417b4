"""How often intervals of a paired difference hold the true difference, in studies made up by code.

    OMP_NUM_THREADS=1 python benchmarks/interval_coverage.py --studies 1000

A study is two strategies, a few runs of each, and groups of very unequal support. What a run finds of a group is
the strategy's true recall plus parts for the group (alike for both strategies), for the group and the strategy, for
the run, and for the run in that group. The parts are small enough that recall stays inside 0 to 1, so the true
difference is known: 0.05. Two intervals of 95 % are made from the same counts: the one of `paired_difference`, and
the plain one that draws groups and runs with replacement and takes percentiles.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rareseg.metrics.compare import compare_runs
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.rates import RATE_NAMES
from rareseg.metrics.run_samples import draw_run_samples, mean_over_runs

TRUTH = 0.05
TPR = RATE_NAMES.index("tpr")


@dataclass(frozen=True)
class World:
    """Numbers of groups and runs, and standard deviations of what moves recall."""

    num_groups: int
    num_runs: int
    of_group: float
    """How much more one strategy likes a group than the other does."""
    of_run: float
    of_both: float
    """What a run does in one group alone."""


WORLDS = (
    World(5, 3, of_group=0.05, of_run=0.02, of_both=0.02),
    World(10, 3, of_group=0.05, of_run=0.01, of_both=0.02),
    World(10, 3, of_group=0.05, of_run=0.05, of_both=0.02),
    World(10, 3, of_group=0.01, of_run=0.05, of_both=0.01),
    World(20, 2, of_group=0.05, of_run=0.03, of_both=0.03),
    World(20, 3, of_group=0.05, of_run=0.03, of_both=0.03),
    World(20, 5, of_group=0.05, of_run=0.03, of_both=0.03),
    World(20, 10, of_group=0.05, of_run=0.03, of_both=0.03),
    World(40, 3, of_group=0.05, of_run=0.005, of_both=0.05),
)


def make_study(world: World, rng: np.random.Generator) -> tuple[list[CountsTable], list[CountsTable]]:
    """Tables of the runs of A and of B; A is better by `TRUTH` on average over groups and runs."""
    support = (300 * rng.lognormal(0, 0.8, world.num_groups) + 50).astype(int)
    hard = rng.normal(0, 0.1, world.num_groups)
    liking = rng.normal(0, world.of_group, world.num_groups)
    sides = []
    for sign in (1, -1):
        recall = 0.5 + hard + sign * (TRUTH + liking) / 2
        tables = []
        for _ in range(world.num_runs):
            noise = rng.normal(0, world.of_run) + rng.normal(0, world.of_both, world.num_groups)
            tables.append(_table(support, np.clip(recall + noise, 0, 1)))
        sides.append(tables)
    return sides[0], sides[1]


def _table(support: NDArray[np.int64], recall: NDArray[np.float64]) -> CountsTable:
    hits = np.rint(support * recall).astype(int)
    number = len(support)
    names = [f"g{index}" for index in range(number)]
    return CountsTable.from_columns(
        {
            "step": np.ones(number, int),
            "split": ["test"] * number,
            "image": names,
            "group": names,
            "class": ["crack"] * number,
            "tp": hits,
            "fp": np.zeros(number, int),
            "fn": support - hits,
            "tn": np.full(number, 10_000),
        }
    )


def coverage(world: World, *, num_studies: int, num_resamples: int) -> dict[str, tuple[float, float]]:
    """Share of the studies whose interval holds the truth, and the interval's median width, by method."""
    rng = np.random.default_rng([world.num_groups, world.num_runs, num_studies])
    held: dict[str, list[tuple[bool, float]]] = {"drawn": [], "rareseg": []}
    for number in range(num_studies):
        a, b = (
            draw_run_samples(tables, averaging="pooled", num_resamples=num_resamples, seed=number, beta=1.0)
            for tables in make_study(world, rng)
        )
        found = compare_runs(a, b, ("crack",), rates=("tpr",), averaging="pooled", interval=0.95)["tpr"]
        drawn = mean_over_runs(a.samples[..., 0, TPR] - b.samples[..., 0, TPR], seed=number)
        ends = {"drawn": np.quantile(drawn, [0.025, 0.975]), "rareseg": (found.low, found.high)}
        for method, (low, high) in ends.items():
            held[method].append((bool(low <= TRUTH <= high), float(high - low)))
    return {
        method: (float(np.mean([ok for ok, _ in pairs])), float(np.median([width for _, width in pairs])))
        for method, pairs in held.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=500)
    arguments = parser.parse_args()
    print("| groups | runs | sd of group, run, both | drawn: held | width | rareseg: held | width |")
    print("|---|---|---|---|---|---|---|")
    for world in WORLDS:
        found = coverage(world, num_studies=arguments.studies, num_resamples=arguments.resamples)
        cells = [f"{share:.1%} | {width:.3f}" for share, width in (found["drawn"], found["rareseg"])]
        parts = f"{world.of_group}, {world.of_run}, {world.of_both}"
        print(f"| {world.num_groups} | {world.num_runs} | {parts} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
