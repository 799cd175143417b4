"""Several strategies against each other over the same groups and seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rareseg.errors import UnknownNameError
from rareseg.metrics.compare import PairedDifference, compare_runs
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.intervals import check_interval
from rareseg.metrics.rates import RATE_NAMES
from rareseg.metrics.run_samples import Averaging, RunSamples, draw_run_samples

__all__ = ["compare_all"]


def compare_all(
    tables: Mapping[str, Mapping[int, CountsTable]],
    *,
    pairs: Iterable[tuple[str, str]],
    choices: Sequence[tuple[str, ...]],
    rates: Sequence[str] = ("iou",),
    averaging: Averaging = "pooled",
    interval: float = 0.95,
    num_resamples: int = 1000,
    seed: int = 0,
    beta: float = 1.0,
) -> dict[tuple[str, str], list[dict[str, PairedDifference]]]:
    """Compare pairs of strategies as `paired_difference` does, each strategy drawn once for all of its pairs.

    A pair is compared over the seeds that both finished; where they share none, over all runs of both, each
    side spreading for itself. No figure is corrected for the number of pairs: among many, a few look sure by
    chance alone.

    Args:
        tables: For each strategy the table (of one step and split) of each seed.
        pairs: Names ``(a, b)``; what is told is a minus b.
        choices: The class, or the classes of a mean, of each comparison.
        rates: Names in `RATE_NAMES`.
        averaging: ``pooled`` or ``images``.
        interval: Share of the distribution inside the interval.
        num_resamples: Number of draws of groups.
        seed: Equal seeds give equal draws.
        beta: Weight of recall in ``f_beta``.

    Returns:
        For each pair one mapping from rate to difference for each of ``choices``.

    Raises:
        UnknownNameError: A strategy, rate or class does not exist.
        DataError: Strategies were judged on different images, groups or classes.
        OptionError: ``interval``, ``num_resamples`` or ``beta`` is out of range.

    Example:
        >>> def run(hits):
        ...     table = CountsTable()
        ...     for number, hit in enumerate(hits):
        ...         table.append(step=1, split="test", image=f"i{number}", group="", class_names=["crack"],
        ...                      counts=[[hit, 0, 10 - hit, 90]])
        ...     return table
        >>> tables = {"plain": {0: run([5, 6, 7])}, "focal": {0: run([8, 9, 7]), 1: run([9, 9, 9])}}
        >>> found = compare_all(tables, pairs=[("focal", "plain")], choices=[("crack",)], rates=["tpr"])
        >>> crack = found["focal", "plain"][0]["tpr"]
        >>> round(crack.difference, 3), crack.num_runs
        (0.2, (1, 1))
    """
    check_interval(interval, num_resamples)
    for rate in rates:
        if rate not in RATE_NAMES:
            raise UnknownNameError("rate", rate, RATE_NAMES)
    drawn: dict[tuple[str, tuple[int, ...]], RunSamples] = {}

    def draw(name: str, seeds: tuple[int, ...]) -> RunSamples:
        key = (name, seeds)
        if key not in drawn:
            chosen = [tables[name][number] for number in seeds]
            drawn[key] = draw_run_samples(
                chosen, averaging=averaging, num_resamples=num_resamples, seed=seed, beta=beta
            )
        return drawn[key]

    found = {}
    for a, b in pairs:
        for name in (a, b):
            if name not in tables:
                raise UnknownNameError("strategy", name, tuple(tables))
        shared = tuple(sorted(tables[a].keys() & tables[b].keys()))
        sides = [draw(name, shared or tuple(sorted(tables[name]))) for name in (a, b)]
        found[a, b] = [
            compare_runs(sides[0], sides[1], choice, rates=rates, averaging=averaging, interval=interval)
            for choice in choices
        ]
    return found
