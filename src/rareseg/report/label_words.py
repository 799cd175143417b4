"""What two sets of labels say of a study, in plain sentences."""

from __future__ import annotations

from rareseg.metrics.compare import PairedDifference
from rareseg.report.label_results import LabelPair, LabelResults, Verdict
from rareseg.report.numerals import level, rate, signed

__all__ = ["ceiling_sentence", "label_sentences", "pair_sentences"]

_VERDICTS: tuple[Verdict, ...] = ("both", "reversed", "own", "other", "neither")


def label_sentences(found: LabelResults, *, interval: float) -> list[str]:
    """Who is best by each, how alike the rankings are, and how many conclusions hold by both."""
    told = [_best(found)]
    agreement = found.agreement
    if agreement is not None and agreement.tau == agreement.tau:
        bounds = (
            f" ({level(interval)} interval {signed(agreement.low)} to {signed(agreement.high)})"
            if agreement.low == agreement.low
            else " (no interval)"
        )
        told.append(
            f"Kendall's tau between the two rankings is {signed(agreement.tau)}{bounds}; +1 is the same order, "
            "0 is no relation."
        )
    if found.pairs:
        told.append(_tally(found))
    return told


def ceiling_sentence(found: LabelResults, *, interval: float) -> str | None:
    """How far the own labels are from the other ones; None where it was not written down."""
    if found.ceiling is None or not found.ceiling.pooled["iou"].num_runs:
        return None
    iou = found.ceiling.pooled["iou"]
    bounds = (
        f" ({level(interval)} interval {rate(iou.low)} to {rate(iou.high)})" if iou.low == iou.low else ""
    )
    mean = "a mean IoU" if len(found.classes) > 1 else "an IoU"
    return (
        f"Training saw the own labels alone. By '{found.labels}' these labels themselves reach {mean} of "
        f"{rate(iou.mean)}{bounds}: what a model that copies them without a fault would get."
    )


def pair_sentences(found: LabelResults, *, most: int = 12) -> list[str]:
    """Pairs of strategies that both sets of labels do not tell apart in the same way, the clearest cases first."""
    told = [_pair(found, pair) for verdict in ("reversed", "own", "other") for pair in found.having(verdict)]
    if len(told) > most:
        return [*told[:most], f"{len(told) - most} further pairs are told apart by one set of labels only."]
    return told


def _best(found: LabelResults) -> str:
    first = found.rows[0]
    other = max(found.rows, key=lambda row: row.other.pooled["iou"].mean)
    own_iou, other_iou = rate(first.own.pooled["iou"].mean), rate(other.other.pooled["iou"].mean)
    mean = "mean IoU" if len(found.classes) > 1 else "IoU"
    if len(found.rows) == 1:
        return f"'{first.name}' reaches a {mean} of {own_iou} by the own labels and {other_iou} by '{found.labels}'."
    if first is other:
        return (
            f"Both sets of labels put '{first.name}' first: {mean} {own_iou} by the own labels, {other_iou} by "
            f"'{found.labels}'."
        )
    return (
        f"By the own labels '{first.name}' is best ({mean} {own_iou}); by '{found.labels}' it is "
        f"'{other.name}' ({other_iou})."
    )


def _tally(found: LabelResults) -> str:
    """How many pairs each set of labels tells apart."""
    turned = found.num_turned
    if len(found.pairs) == 1:
        text = {
            "both": "tell the two strategies apart in the same order",
            "reversed": "tell the two strategies apart, but the other way round",
            "own": "do not agree: the own labels alone tell the two strategies apart",
            "other": f"do not agree: '{found.labels}' alone tells the two strategies apart",
            "neither": "cannot tell the two strategies apart",
        }[found.pairs[0].verdict]
        return f"The two sets of labels {text}{'; the order of the means differs' if turned else ''}."
    words = {
        "both": "by both sets of labels in the same order",
        "reversed": "by both, but the other way round",
        "own": "by the own labels only",
        "other": f"by '{found.labels}' only",
        "neither": "by neither",
    }
    counts = {verdict: len(found.having(verdict)) for verdict in _VERDICTS}
    parts = [f"{num or 'none'} {words[name]}" for name, num in counts.items() if num or name == "both"]
    changed = f"{turned or 'no'} {'pair changes its' if turned == 1 else 'pairs change their'} order"
    total = f"Of {len(found.pairs)} pairs of strategies, intervals tell apart"
    return f"{total} {', '.join(parts)}; {changed} in the means."


def _pair(found: LabelResults, pair: LabelPair) -> str:
    own, other = _bounds(pair.own), _bounds(pair.other)
    by_other = f"by '{found.labels}'"
    if pair.verdict == "reversed":
        return f"'{pair.a}' beats '{pair.b}' by the own labels ({own}), but loses to it {by_other} ({other})."
    if pair.verdict == "own":
        return f"'{pair.a}' beats '{pair.b}' by the own labels ({own}), but not {by_other} ({other})."
    first, second = (pair.a, pair.b) if pair.other.difference > 0 else (pair.b, pair.a)
    if first == pair.b:
        own, other = _bounds(pair.own.mirrored()), _bounds(pair.other.mirrored())
    return f"'{first}' beats '{second}' {by_other} ({other}), but not by the own labels ({own})."


def _bounds(value: PairedDifference) -> str:
    if value.low != value.low:
        return f"{signed(value.difference)}, no interval"
    return f"{signed(value.difference)}, {signed(value.low)} to {signed(value.high)}"
