"""What a study found, in plain sentences made from its numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rareseg.metrics.compare import PairedDifference
from rareseg.metrics.runs_summary import RunsEstimate
from rareseg.report.load_runs import Run, StudyRuns
from rareseg.report.numerals import level, percent, rate, signed
from rareseg.report.results import SplitResults, StrategyResults

__all__ = ["Headline", "make_headline"]

SPLIT_WORDS = {"test": "test images", "val": "validation images"}
_ENOUGH_SEEDS = 3


@dataclass(frozen=True)
class Headline:
    """The answer and what limits it.

    Args:
        answer: The sentence to remember.
        support: Sentences that explain it.
        warnings: What a reader must know before believing it.
    """

    answer: str
    support: tuple[str, ...]
    warnings: tuple[str, ...]


def make_headline(
    study: StudyRuns, results: SplitResults, *, interval: float, notes: Sequence[str] = ()
) -> Headline:
    """Say which strategy is best on the rare classes of the judging split, how surely, and what limits that.

    Args:
        study: The runs.
        results: Their figures on the judging split.
        interval: Share of the bootstrap resamples inside the intervals.
        notes: Further sentences that limit the answer.
    """
    warnings = (*notes, *_warnings(study, results))
    where = SPLIT_WORDS[results.split]
    if not results.ranked:
        return Headline(f"The {where} hold no rare class, so nothing can be said about them.", (), warnings)
    best = results.ranked[0]
    assert best.rare is not None
    classes = _listed(results.counted)
    subject = f"the rare classes ({classes})" if len(results.counted) > 1 else f"the rare class '{classes}'"
    only = len(results.strategies) == 1
    verb = "reaches" if only else "is best, with"
    what = f"a mean IoU of {_with_interval(best.rare.pooled['iou'], interval)}"
    answer = f"On the {where} '{best.name}' {verb} {what} on {subject}."
    support = (
        [] if only else [*_lead(results, best, interval=interval), *_trade(results, best), *_seeds(results)]
    )
    support += [*_weakest(results, best), *_with_background(study, results, best)]
    return Headline(answer, tuple(support), warnings)


def _lead(results: SplitResults, best: StrategyResults, *, interval: float) -> list[str]:
    """The difference to the baseline and whether it can be believed."""
    baseline = results.strategies[0]
    other = best
    opening = f"Against {_called(baseline.name)} that is a difference of"
    if best is baseline:
        if len(results.ranked) < 2:
            return []
        other = results.ranked[1]
        opening = f"No strategy beats {_called(baseline.name)}; the nearest, '{other.name}', differs by"
    found = results.differences[other.name]["iou"]
    told = f"{opening} {signed(found.difference)} in mean IoU"
    if found.low == found.low:
        return [f"{told} {_verdict(found, interval)}."]
    if other.name not in results.firm_differences:
        return [f"{told}; no interval can be given for it."]
    firm = results.firm_differences[other.name]["iou"]
    classes = f"{_quoted(results.firm)}, which two groups or more hold,"
    return [f"{told}; counting only {classes} it is {signed(firm.difference)} {_verdict(firm, interval)}."]


def _verdict(found: PairedDifference, interval: float) -> str:
    if found.low != found.low:
        return "without an interval"
    bounds = f"({level(interval)} interval {signed(found.low)} to {signed(found.high)})"
    if found.low > 0 or found.high < 0:
        if min(found.num_runs) < 2:
            return f"{bounds}, which excludes 0: the choice of images alone does not explain it, but one seed may"
        return f"{bounds}, which excludes 0: the choice of images and seeds alone does not explain it"
    return (
        f"{bounds}, which includes 0: these data cannot tell the two apart (the chance that the better one "
        f"is really better is {percent(max(found.probability_better, 1 - found.probability_better))})"
    )


def _trade(results: SplitResults, best: StrategyResults) -> list[str]:
    baseline = results.strategies[0]
    if best is baseline or best.rare is None or baseline.rare is None:
        return []
    own, other = best.rare.pooled, baseline.rare.pooled
    found, found_before = percent(own["tpr"].mean), percent(other["tpr"].mean)
    finds = f"It finds {found} of the rare pixels, the baseline {found_before} (mean TPR)"
    if math.isnan(own["precision"].mean):
        return [f"{finds}."]
    right = f"{finds}; of what it marks {percent(own['precision'].mean)} is right"
    if math.isnan(other["precision"].mean):
        return [f"{right}, while the precision of the baseline is undefined for want of marks."]
    before = percent(other["precision"].mean)
    return [f"{right}, of what the baseline marks {before} (mean precision)."]


def _seeds(results: SplitResults) -> list[str]:
    winners = results.seed_winners()
    if len(winners) < 2:
        return []
    tally = Counter(winners.values()).most_common()
    if len(tally) == 1:
        return [f"'{tally[0][0]}' is best with each of the {len(winners)} seeds that all strategies share."]
    told = _listed([f"'{name}' with {count}" for name, count in tally])
    return [f"The winner changes with the seed: {told} of the {len(winners)} that all strategies share."]


def _weakest(results: SplitResults, best: StrategyResults) -> list[str]:
    known = [(best.classes[name].pooled["iou"].mean, name) for name in results.counted]
    known = [(value, name) for value, name in known if value == value]
    if len(known) < 2:
        return []
    value, name = min(known)
    found = rate(best.classes[name].pooled["tpr"].mean)
    return [f"Its weakest class is '{name}' (IoU {rate(value)}, TPR {found})."]


def _with_background(study: StudyRuns, results: SplitResults, best: StrategyResults) -> list[str]:
    """The same mean as it looks when the majority class counts too, as in many contests."""
    if not results.support[study.majority].pixels:
        return []
    held = (*results.counted, study.majority)
    mean = sum(best.classes[name].pooled["iou"].mean for name in held) / len(held)
    return [f"With '{study.majority}' counted too, the mean IoU of all {len(held)} classes is {rate(mean)}."]


def _warnings(study: StudyRuns, results: SplitResults) -> tuple[str, ...]:
    told = []
    failed = [run for run in study.runs if run.state == "failed"]
    open_ = [run for run in study.runs if run.state in ("running", "absent")]
    if failed:
        verb = "is" if len(failed) == 1 else "are"
        told.append(f"{_number(len(failed), 'run')} failed and {verb} left out: {_named(failed)}.")
    if open_:
        told.append(f"The study is not complete; these runs are not done: {_named(open_)}.")
    where = SPLIT_WORDS[results.split]
    if results.lonely:
        verb, it = ("rests", "it") if len(results.lonely) == 1 else ("rest", "them")
        told.append(
            f"{_quoted(results.lonely)} {verb} on a single group of the {where}, so no "
            f"interval can be given for {it}, nor for a mean that counts {it}; the tables also give the mean "
            f"without {it}."
        )
    few = [name for name in results.thin if name not in results.lonely]
    if few:
        verb, its = ("rests", "its interval says") if len(few) == 1 else ("rest", "their intervals say")
        rest = (
            "; the tables also give the mean without them"
            if len(results.thin) > 1
            else ("; the tables also give the mean without it")
        )
        told.append(
            f"{_quoted(few)} {verb} on two groups of the {where}: {its} little more than that the two differ"
            f"{rest if results.solid else '. No rare class rests on three groups or more'}."
        )
    if results.absent:
        told.append(f"The {where} hold no pixel of {_quoted(results.absent)}, so no mean counts it.")
    fewest = min(len(strategy.seeds) for strategy in results.strategies)
    if fewest < _ENOUGH_SEEDS:
        known = "unknown" if fewest == 1 else "hardly known"
        told.append(
            f"With {_number(fewest, 'seed').lower()} for a strategy, the spread between its trainings is "
            f"{known}; three or more are wanted."
        )
    if results.split == "val":
        told.append(
            "There is no test split: these images may have guided choices while the study was made, so "
            "expect less on new ones."
        )
    if len(results.strategies) > 2:
        told.append(
            f"The best of {len(results.strategies)} strategies was picked on the same images that judge it, "
            "which favours the winner a little."
        )
    return tuple(told)


def _with_interval(estimate: RunsEstimate, interval: float) -> str:
    if estimate.low != estimate.low:
        return f"{rate(estimate.mean)} (no interval)"
    return f"{rate(estimate.mean)} ({level(interval)} interval {rate(estimate.low)} to {rate(estimate.high)})"


def _called(baseline: str) -> str:
    return "the baseline" if baseline == "baseline" else f"the baseline '{baseline}'"


def _named(runs: Sequence[Run]) -> str:
    names = [f"{run.strategy} seed {run.seed}" for run in runs]
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _number(count: int, noun: str) -> str:
    return f"{'One' if count == 1 else count} {noun}{'' if count == 1 else 's'}"


def _quoted(names: Sequence[str]) -> str:
    return _listed([f"'{name}'" for name in names])


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words) if len(words) < 2 else f"{', '.join(words[:-1])} and {words[-1]}"
