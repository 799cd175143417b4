"""The figures of a study as Markdown tables, for notes and papers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rareseg.metrics.compare import PairedDifference
from rareseg.report.comparison import pair_sentence, top_pairs
from rareseg.report.contest_results import contest_results
from rareseg.report.label_results import LabelResults, label_results
from rareseg.report.label_words import ceiling_sentence, label_sentences, pair_sentences
from rareseg.report.load_runs import StudyRuns
from rareseg.report.markdown_scoring import classic_table, contest_table, gate_table, threshold_table
from rareseg.report.markdown_table import UNDEFINED_CELL, estimate_cell, markdown_table
from rareseg.report.numerals import level, rate, signed
from rareseg.report.results import RARE, SplitResults, split_results
from rareseg.report.section_scoring import scoring_sentence
from rareseg.report.threshold_results import threshold_results

__all__ = ["markdown_summary"]

_SPLIT_WORDS = {"test": "Test", "val": "Validation"}


def markdown_summary(study: StudyRuns, *, interval: float = 0.95) -> str:
    """Tables of every judged split: means over the rare classes, top pairs, each class, single seeds.

    After them come the counts behind the rates, the means that contests use, and other thresholds where a single
    probability decides.

    Where ``scoring`` leaves out images, the means with all images stand beside; where there are other labels, what
    they say.

    Args:
        study: The runs, as `load_runs` gives them.
        interval: Share of the bootstrap resamples inside an interval, in (0, 1).

    Returns:
        Markdown text; rates are pooled over the split's pixels, then averaged over seeds.
    """
    parts = []
    for split in study.splits:
        found = split_results(study, split=split, interval=interval)
        whole = None
        if study.left_out.num(split):
            whole = split_results(study.with_all_images(), split=split, interval=interval)
        others = [
            one
            for labels in study.other_labels
            if (one := label_results(study, found, labels=labels, interval=interval)) is not None
        ]
        parts.append(_split_text(study, found, interval, whole=whole, others=others))
    return "\n".join(parts)


def _split_text(
    study: StudyRuns,
    found: SplitResults,
    interval: float,
    *,
    whole: SplitResults | None,
    others: Sequence[LabelResults],
) -> str:
    lines = [
        f"### {_SPLIT_WORDS.get(found.split, found.split)}: {found.num_images} images of {found.num_groups} groups",
        "",
        f"Rates are pooled over pixels; mean over seeds with the {level(interval)} interval over groups and seeds.",
        "",
        *([scoring_sentence(study, found, whole), ""] if whole else []),
        *_means(found),
        "",
        *(["With all images:", "", *_means(whole), ""] if whole else []),
        *_top(study, found, interval),
        *_classes(found),
        "",
        *_seeds(found),
        "",
        "Each class against the rest, counts and rates as means over seeds:",
        "",
        *classic_table(study, found),
        *_more(contest_table(contest_results(study, found, interval=interval))),
        *_more(gate_table(study, found.split)),
        *_more(threshold_table(study, threshold_results(study, found, interval=interval))),
        *(line for one in others for line in ("", *_other_labels(one, interval))),
    ]
    return "\n".join(lines) + "\n"


def _more(lines: Sequence[str]) -> list[str]:
    return ["", *lines] if lines else []


def _means(found: SplitResults) -> list[str]:
    """Means over the rare classes, with and without those that rest on few groups."""
    first = found.strategies[0].name
    counted = found.counted[0] if len(found.counted) == 1 else f"{len(found.counted)} classes"
    heads = [f"IoU of {counted}", "TPR", "precision", f"IoU against {first}"]
    if found.firm_differences:
        heads += [f"IoU without {', '.join(found.lonely)}", f"against {first}"]
    if found.solid_differences:
        heads += [f"IoU without {', '.join(found.thin)}", f"against {first}"]
    rows = []
    for strategy in found.strategies:
        cells = [strategy.name, str(len(strategy.seeds))]
        cells += [
            estimate_cell(strategy.rare.pooled[key]) if strategy.rare else UNDEFINED_CELL
            for key in ("iou", "tpr", "precision")
        ]
        cells.append(_difference(found.differences.get(strategy.name)))
        if found.firm_differences:
            cells.append(estimate_cell(strategy.firm.pooled["iou"]) if strategy.firm else UNDEFINED_CELL)
            cells.append(_difference(found.firm_differences.get(strategy.name)))
        if found.solid_differences:
            cells.append(estimate_cell(strategy.solid.pooled["iou"]) if strategy.solid else UNDEFINED_CELL)
            cells.append(_difference(found.solid_differences.get(strategy.name)))
        rows.append(cells)
    return markdown_table(["strategy", "seeds", *heads], rows)


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
    rows = [
        [strategy.name, word, *(estimate_cell(strategy.classes[name].pooled[key]) for name in found.counted)]
        for strategy in found.strategies
        for key, word in (("iou", "IoU"), ("tpr", "TPR"), ("precision", "precision"))
    ]
    return markdown_table(["strategy", "rate", *heads], rows)


def _seeds(found: SplitResults) -> list[str]:
    """Mean IoU of the rare classes of each single run."""
    seeds = sorted({seed for strategy in found.strategies for seed in strategy.seeds})
    rows = []
    for strategy in found.strategies:
        values = [strategy.by_seed.get(seed, {}).get(RARE, {}).get("iou") for seed in seeds]
        rows.append(
            [strategy.name, *(UNDEFINED_CELL if value is None else str(rate(value)) for value in values)]
        )
    return markdown_table(["mean IoU of", *(f"seed {seed}" for seed in seeds)], rows)


def _other_labels(found: LabelResults, interval: float) -> list[str]:
    """What other labels say: means and ranks by both, and which conclusions hold."""
    rate_word = "mean IoU" if len(found.classes) > 1 else "IoU"
    heads = [f"{rate_word} by own labels", "Dice", "rank", f"{rate_word} by {found.labels}", "Dice", "rank"]
    rows = []
    for row in found.rows:
        cells = [row.name]
        for side, ranks in ((row.own, "first"), (row.other, "second")):
            rank = getattr(found.agreement, ranks)[row.name] if found.agreement else 1.0
            cells += [estimate_cell(side.pooled["iou"]), estimate_cell(side.pooled["dice"]), f"{rank:g}"]
        rows.append(cells)
    if found.ceiling:
        own = [estimate_cell(found.ceiling.pooled[key]) for key in ("iou", "dice")]
        rows.append(["the own labels themselves", "", "", "", *own, ""])
    ceiling = ceiling_sentence(found, interval=interval)
    told = [
        *label_sentences(found, interval=interval),
        *([ceiling] if ceiling else []),
        *pair_sentences(found),
    ]
    return [
        f"Judged by the labels '{found.labels}' too, in {', '.join(found.classes)}:",
        "",
        *(f"- {sentence}" for sentence in told),
        "",
        *markdown_table(["strategy", *heads], rows),
    ]


def _difference(values: Mapping[str, PairedDifference] | None) -> str:
    if values is None:
        return ""
    difference = values["iou"]
    if difference.low != difference.low:
        return str(signed(difference.difference))
    return f"{signed(difference.difference)} ({signed(difference.low)} to {signed(difference.high)})"
