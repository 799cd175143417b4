"""What tuned decisions changed: figures before and after over the seeds of a strategy, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rareseg.config.aim import AimSettings
from rareseg.metrics.aims import Aim, RecallAim
from rareseg.metrics.figure_spread import FigureSpread, GroupedStatistics, figure_spread
from rareseg.metrics.outcomes import ImageTruth, Outcome, outcome_of_tables
from rareseg.metrics.rates import RATE_NAMES, rate_columns, ratio
from rareseg.study.build_aim import build_aim
from rareseg.study.judge_decision import JudgedDecision
from rareseg.study.tune_run import TunedRun

__all__ = ["DecisionFigure", "DecisionResults", "decision_results"]

Floats = NDArray[np.float64]
Statistics = Callable[[ImageTruth, Outcome], Floats]


@dataclass(frozen=True)
class DecisionFigure:
    """One figure of a strategy: with the runs' own decisions, with the tuned ones, and the difference.

    Attributes:
        title: What it is.
        lower_is_better: Whether less is better.
        is_rate: Whether it lies in 0 to 1.
    """

    title: str
    lower_is_better: bool
    is_rate: bool
    before: FigureSpread
    after: FigureSpread
    difference: FigureSpread

    @property
    def chance(self) -> float:
        """Chance that the tuned decision is really better."""
        above = self.difference.share_above_zero
        return 1 - above if self.lower_is_better else above


@dataclass(frozen=True)
class DecisionResults:
    """A strategy on one part.

    Attributes:
        aim: The aim's figure; a second time without classes of a single group, where it is a mean that counts some.
        others: What else matters: IoU, recall and false alarms by region, false stops.
        classes: IoU, TPR and precision of each class that the part holds.
        lonely: Classes of a single group, whose means have no interval.
    """

    split: str
    aim: tuple[DecisionFigure, ...]
    others: tuple[DecisionFigure, ...]
    classes: Mapping[str, Mapping[str, DecisionFigure]]
    lonely: tuple[str, ...]


@dataclass(frozen=True)
class _Side:
    truth: ImageTruth
    outcome: Outcome
    counts: Floats
    """``(n, k, 4)``."""
    groups: tuple[str, ...]


def decision_results(
    runs: Sequence[TunedRun],
    aim: AimSettings,
    *,
    split: str,
    interval: float = 0.95,
    num_resamples: int = 1000,
) -> DecisionResults:
    """Compare tuned decisions with the runs' own on the same images, groups and seeds.

    Args:
        runs: The seeds of one strategy.
        aim: What they were tuned for.
        split: ``val`` or ``test``.
        interval: Share of the bootstrap resamples inside an interval.
        num_resamples: Number of resamples.
    """
    names = runs[0].class_names
    before = [_side(run.before[split]) for run in runs]
    after = [_side(run.after[split]) for run in runs]
    first = before[0]
    owners = [set(np.array(first.groups)[first.truth.pixels[:, i] > 0]) for i in range(len(names) - 1)]
    held = tuple(name for name, groups in zip(names[1:], owners, strict=True) if groups)
    lonely = tuple(name for name, groups in zip(names[1:], owners, strict=True) if len(groups) == 1)
    firm = tuple(name for name in held if name not in lonely)

    def compared(
        title: str, statistics: Callable[[_Side], Floats], figure: Callable[[Floats], Floats],
        *, lower: bool, rate: bool, known: bool = True,
    ) -> DecisionFigure:  # fmt: skip
        sides = [[GroupedStatistics(statistics(one), one.groups) for one in side] for side in (before, after)]

        def spread(runs: list[GroupedStatistics], minus: list[GroupedStatistics] | None) -> FigureSpread:
            found = figure_spread(runs, figure, minus=minus, interval=interval, num_resamples=num_resamples)
            if not known:
                return replace(found, low=np.nan, high=np.nan, share_above_zero=np.nan)
            least, most = (-np.inf if minus else 0.0), np.inf
            if rate:
                least, most = (-1.0 if minus else 0.0), 1.0
            low, high = np.clip([found.low, found.high], least, most).tolist()
            return replace(found, low=low, high=high)

        return DecisionFigure(
            title, lower, rate, spread(sides[0], None), spread(sides[1], None), spread(sides[1], sides[0])
        )

    def of_aim(built: Aim, title: str, *, known: bool) -> DecisionFigure:
        return compared(
            title,
            lambda side: built.statistics(side.truth, side.outcome),
            built.figure,
            lower=built.lower_is_better,
            rate=not built.lower_is_better,
            known=known,
        )

    def means(make: Callable[[tuple[str, ...]], Aim]) -> list[DecisionFigure]:
        """A mean over classes, and once more without those of a single group."""
        whole = make(held)
        found = [of_aim(whole, f"{whole.title} of {len(held)} classes", known=not lonely)] if held else []
        if lonely and firm:
            found.append(of_aim(make(firm), f"{whole.title} without {', '.join(lonely)}", known=True))
        return found

    def pixels(title: str, chosen: tuple[str, ...], *, known: bool, rate_name: str = "iou") -> DecisionFigure:
        places = [names.index(name) for name in chosen]

        def mean(sums: Floats) -> Floats:
            rates = rate_columns(sums.reshape(*sums.shape[:-1], -1, 4))
            found: Floats = rates[..., RATE_NAMES.index(rate_name)].mean(axis=-1)
            return found

        return compared(
            title,
            lambda side: side.counts[:, places].reshape(len(side.groups), -1),
            mean,
            lower=False, rate=True, known=known,
        )  # fmt: skip

    built = build_aim(aim, names, counted=held)
    if aim.name in ("f_beta", "recall"):
        of = means(lambda chosen: build_aim(aim, names, counted=chosen))
    else:
        of = [of_aim(built, built.title, known=True)]
    others = [pixels(f"mean IoU of {len(held)} classes", held, known=not lonely)] if held else []
    if lonely and firm:
        others.append(pixels(f"mean IoU without {', '.join(lonely)}", firm, known=True))
    if aim.name != "recall":
        others += means(lambda chosen: RecallAim(0.0, tuple(names.index(name) - 1 for name in chosen)))
    bound = RecallAim(0.0, ())
    others.append(
        compared("false regions a megapixel", lambda side: bound.statistics(side.truth, side.outcome),
                 bound.false_rate, lower=True, rate=False)
    )  # fmt: skip
    if (~first.truth.holds).any():
        others.append(
            compared("clean images with a false stop", _false_stops, lambda sums: ratio(sums[..., 0], sums[..., 1]),
                     lower=True, rate=True)
        )  # fmt: skip
    classes = {
        name: {
            rate: pixels(f"{rate} of {name}", (name,), known=name not in lonely, rate_name=rate)
            for rate in ("iou", "tpr", "precision")
        }
        for name in held
    }
    return DecisionResults(split, tuple(of), tuple(others), classes, lonely)


def _side(judged: JudgedDecision) -> _Side:
    truth, outcome, cube = outcome_of_tables(judged.counts, judged.regions)
    groups = tuple(cube.groups[place] for place in cube.group_index.tolist())
    return _Side(truth, outcome, cube.values.astype(np.float64), groups)


def _false_stops(side: _Side) -> Floats:
    clean = ~side.truth.holds
    return np.stack([clean & side.outcome.alarm, clean], axis=1).astype(np.float64)
