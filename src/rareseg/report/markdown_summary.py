"""The figures of a study as Markdown tables, for notes and papers."""

from __future__ import annotations

from collections.abc import Mapping

from rareseg.metrics.compare import PairedDifference
from rareseg.metrics.runs_summary import RunsEstimate
from rareseg.report.comparison import pair_sentence, top_pairs
from rareseg.report.load_runs import StudyRuns
from rareseg.report.numerals import level, rate, signed
from rareseg.report.results import RARE, SplitResults, split_results

__all__ = ["markdown_summary"]

_SPLIT_WORDS = {"test": "Test", "val": "Validation"}


def markdown_summary(study: StudyRuns, *, interval: float = 0.95) -> str:
    """Tables of every judged split: means over the rare classes, top pairs, each class, single seeds.

    Args:
        study: The runs, as `load_runs` gives them.
        interval: Share of the bootstrap resamples inside an interval, in (0, 1).

    Returns:
        Markdown text; rates are pooled over the split's pixels, then averaged over seeds.
    """
    parts = [
        _split_text(study, split_results(study, split=split, interval=interval), interval)
        for split in study.splits
    ]
    return "\n".join(parts)


def _split_text(study: StudyRuns, found: SplitResults, interval: float) -> str:
    lines = [
        f"### {_SPLIT_WORDS.get(found.split, found.split)}: {found.num_images} images of {found.num_groups} groups",
        "",
        f"Rates are pooled over pixels; mean over seeds with the {level(interval)} interval over groups and seeds.",
        "",
        *_means(found),
        "",
        *_top(study, found, interval),
        *_classes(found),
        "",
        *_seeds(found),
    ]
    return "\n".join(lines) + "\n"


def _means(found: SplitResults) -> list[str]:
    """Means over the rare classes, with and without those that rest on one group."""
    first = found.strategies[0].name
    heads = [f"IoU of {len(found.counted)} classes", "TPR", "precision", f"IoU against {first}"]
    if found.firm_differences:
        heads += [f"IoU without {', '.join(found.lonely)}", f"against {first}"]
    rows = [_row(["strategy", "seeds", *heads]), _rule(len(heads) + 2)]
    for strategy in found.strategies:
        cells = [strategy.name, str(len(strategy.seeds))]
        cells += [
            _estimate(strategy.rare.pooled[key]) if strategy.rare else "\N{EN DASH}"
            for key in ("iou", "tpr", "precision")
        ]
        cells.append(_difference(found.differences.get(strategy.name)))
        if found.firm_differences:
            cells.append(_estimate(strategy.firm.pooled["iou"]) if strategy.firm else "\N{EN DASH}")
            cells.append(_difference(found.firm_differences.get(strategy.name)))
        rows.append(_row(cells))
    return rows


def _top(study: StudyRuns, found: SplitResults, interval: float) -> list[str]:
    """The winner against the reference and the runner-up, with the chance that it is really better."""
    pairs = top_pairs(study, found, interval=interval)
    lines = [f"- {pair_sentence(pair, interval=interval)}" for pair in pairs]
    return [*lines, ""] if lines else []


def _classes(found: SplitResults) -> list[str]:
    """IoU, TPR and precision of each rare class."""
    heads = [
        f"{name} ({found.support[name].pixels} px, {found.support[name].groups} groups)"
        for name in found.counted
    ]
    rows = [_row(["strategy", "rate", *heads]), _rule(len(heads) + 2)]
    for strategy in found.strategies:
        for key, word in (("iou", "IoU"), ("tpr", "TPR"), ("precision", "precision")):
            rows.append(
                _row(
                    [
                        strategy.name,
                        word,
                        *(_estimate(strategy.classes[name].pooled[key]) for name in found.counted),
                    ]
                )
            )
    return rows


def _seeds(found: SplitResults) -> list[str]:
    """Mean IoU of the rare classes of each single run."""
    seeds = sorted({seed for strategy in found.strategies for seed in strategy.seeds})
    rows = [_row(["mean IoU of", *(f"seed {seed}" for seed in seeds)]), _rule(len(seeds) + 1)]
    for strategy in found.strategies:
        values = [strategy.by_seed.get(seed, {}).get(RARE, {}).get("iou") for seed in seeds]
        rows.append(
            _row([strategy.name, *("\N{EN DASH}" if value is None else str(rate(value)) for value in values)])
        )
    return rows


def _estimate(value: RunsEstimate) -> str:
    if not value.num_runs:
        return "\N{EN DASH}"
    if value.low != value.low:
        return str(rate(value.mean))
    return f"{rate(value.mean)} ({rate(value.low)} to {rate(value.high)})"


def _difference(values: Mapping[str, PairedDifference] | None) -> str:
    if values is None:
        return ""
    difference = values["iou"]
    if difference.low != difference.low:
        return str(signed(difference.difference))
    return f"{signed(difference.difference)} ({signed(difference.low)} to {signed(difference.high)})"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _rule(num_columns: int) -> str:
    return "|" + "---|" * num_columns
