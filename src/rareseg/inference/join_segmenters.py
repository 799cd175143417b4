"""Several segmenters, or one and its test-time augmentation, as one segmenter."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from rareseg.errors import OptionError
from rareseg.inference.ensemble_engine import EnsembleEngine, Member
from rareseg.inference.ensemble_head import EnsembleHead
from rareseg.inference.gate import GateScorer, ImageGate
from rareseg.inference.judge import Judge
from rareseg.inference.predictor import Predictor
from rareseg.inference.segmenter import Segmenter
from rareseg.inference.symmetries import symmetries

__all__ = ["join_segmenters"]


def join_segmenters(segmenters: Sequence[Segmenter], *, tta: str = "none") -> Segmenter:
    """One segmenter whose probabilities are means over members and over flips and turns of the image.

    The decision (such as thresholds) is the first member's. Where all members have an image gate, an image passes if
    the mean of the gates' probabilities reaches the mean of their thresholds. A single segmenter without test-time
    augmentation is given back as it is.

    Args:
        segmenters: At least one. All have the same classes, read images in the same way, and have a gate or none.
        tta: Test-time augmentation: ``none``, ``flips`` (4 passes) or ``turns`` (8), see `SYMMETRIES`.

    Raises:
        UnknownNameError: There is no such test-time augmentation.
        OptionError: The segmenters do not fit together, or there is none.
    """
    moves = symmetries(tta)
    if not segmenters:
        raise OptionError("An ensemble needs at least one member, but none was given; name a run.")
    first = segmenters[0]
    for other in segmenters[1:]:
        _check_alike(first, other)
    if len(segmenters) == len(moves) == 1:
        return first
    engine = EnsembleEngine([Member(one.judge.predictor.engine, one.judge.head) for one in segmenters], moves)
    limits = [limit for one in segmenters if (limit := one.judge.predictor.whole_pixels) is not None]
    predictor = Predictor(
        engine,
        tile=max(one.judge.predictor.tile for one in segmenters),
        whole_megapixels=min(limits, default=0) / 1e6,
    )
    head, decision = EnsembleHead(first.judge.head.gate), first.judge.decision
    judge = Judge(predictor, head, decision, _joined_gate(segmenters, predictor))
    passes = "" if tta == "none" else f" with {tta}"
    name = first.name if len(segmenters) == 1 else " + ".join(one.name for one in segmenters)
    digests = hashlib.sha256("\n".join([tta, *(one.digest for one in segmenters)]).encode())
    digest = digests.hexdigest() if all(one.digest for one in segmenters) else ""
    return Segmenter(judge, first.class_table, first.reading, name=f"{name}{passes}", digest=digest)


def _check_alike(first: Segmenter, other: Segmenter) -> None:
    """Whether two segmenters can judge the same images for the same classes."""
    ours, theirs = first.class_table.names, other.class_table.names
    if ours != theirs:
        raise OptionError(
            f"The members of an ensemble have the same classes in the same order, but '{first.name}' has "
            f"{', '.join(ours)} and '{other.name}' has {', '.join(theirs)}; leave one out."
        )
    if first.reading != other.reading:
        raise OptionError(
            f"The members of an ensemble read images alike, but '{first.name}' reads {first.reading} and "
            f"'{other.name}' reads {other.reading}; leave one out."
        )
    if (first.judge.gate is None) != (other.judge.gate is None):
        gated = first if first.judge.gate is not None else other
        raise OptionError(
            f"All members of an ensemble have an image gate or none has, but here '{gated.name}' has one and "
            f"'{(other if gated is first else first).name}' has none; leave one out."
        )


def _joined_gate(segmenters: Sequence[Segmenter], predictor: Predictor) -> ImageGate | None:
    gates = [one.judge.gate for one in segmenters if one.judge.gate is not None]
    if not gates:
        return None
    kinds = {(gate.scorer.module, gate.scorer.patch_size) for gate in gates}
    if len(kinds) > 1:
        sizes = " and ".join(sorted(f"{height} x {width}" for _, (height, width) in kinds))
        raise OptionError(
            f"The image gates of an ensemble look at patches of one size, but these look at {sizes}; leave some out."
        )
    ((module, patch_size),) = kinds
    threshold = sum(gate.threshold for gate in gates) / len(gates)
    return ImageGate(GateScorer(predictor, module, patch_size), threshold)
