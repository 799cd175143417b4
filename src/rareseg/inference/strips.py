"""A label map from top to bottom: rows of tiles as they come, cleaned of small regions, in the file's own pixels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rareseg.data.resampling import majority
from rareseg.inference.ensemble_head import EnsembleHead
from rareseg.inference.label_strip import SCORE_SCALE, LabelStrip
from rareseg.inference.predictor import ReadWindow
from rareseg.inference.small_regions import remove_small_regions

if TYPE_CHECKING:
    from rareseg.inference.judge import Judge

__all__ = ["background_strips", "cleaned_strips", "smaller_strips"]


def cleaned_strips(
    judge: Judge, read: ReadWindow, height: int, width: int, *, first_row: int = 0, scores: bool = False
) -> Iterator[LabelStrip]:
    """The decided label map of an image without its small regions, in strips that join without gap.

    Put together, strips are the label map of `remove_small_regions` for the whole image, wherever they begin: rows of
    tiles are held back until ``max(smallest_regions)`` rows below them are known, and as many above are kept.

    Args:
        judge: Network, head and decision; a gate is not asked.
        read: Gives pixels of windows inside the image.
        height: Rows of the image.
        width: Columns of the image.
        first_row: The first row that is wanted; only the tiles that it depends on are read.
        scores: Whether strips carry the probability of their class, after the decision's temperature.
    """
    smallest = judge.decision.smallest_regions
    border = max(smallest[1:], default=0)
    border = border if border > 1 else 0
    held: LabelStrip | None = None
    done = first_row
    start = max(0, first_row - border)
    for strip in _decided_strips(judge, read, height, width, first_row=start, scores=scores):
        held = strip if held is None else held.joined(strip)
        ready = height if held.end == height else held.end - border
        if ready > done:
            yield _without_small_regions(held, smallest if border else ()).between(done, ready)
            done = ready
        held = held.between(max(held.row, done - border), held.end)


def background_strips(
    height: int, width: int, *, rows: int, first_row: int = 0, scores: bool = False, doubts: bool = False
) -> Iterator[LabelStrip]:
    """What an image is that a gate skips."""
    for row in range(first_row, height, rows):
        shape = (min(rows, height - row), width)
        sure, doubt = (np.zeros(shape, np.uint16) if wanted else None for wanted in (scores, doubts))
        yield LabelStrip(row, np.zeros(shape, np.uint8), sure, doubt)


def smaller_strips(strips: Iterable[LabelStrip], factor: int, num_classes: int) -> Iterator[LabelStrip]:
    """Strips of an enlarged image in the pixels that it was enlarged from, see `majority`.

    The score of a block is the mean over those of its pixels that have the block's class, its doubt the mean over all.

    Args:
        strips: Of the enlarged image; the first begins on a multiple of ``factor``.
        factor: Enlarged pixels along each axis for one.
        num_classes: Number of classes.
    """
    held: LabelStrip | None = None
    for strip in strips:
        held = strip if held is None else held.joined(strip)
        whole = held.between(held.row, held.row + len(held.labels) // factor * factor)
        held = held.between(whole.end, held.end)
        if len(whole.labels):
            labels = majority(whole.labels, factor, num_classes)
            scores = _block_scores(whole, labels, factor)
            yield LabelStrip(whole.row // factor, labels, scores, _block_doubts(whole, factor))


def _decided_strips(
    judge: Judge, read: ReadWindow, height: int, width: int, *, first_row: int, scores: bool
) -> Iterator[LabelStrip]:
    """A strip for each row of tiles, from the one that holds ``first_row`` on."""
    strip = LabelStrip(0, np.empty((0, width), np.uint8))
    head = judge.head
    for window, outputs in judge.predictor.iterate(read, height, width, first_row=first_row):
        if window.col == 0:
            shape = (window.height, width)
            sure = np.empty(shape, np.uint16) if scores else None
            doubt = np.empty(shape, np.uint16) if isinstance(head, EnsembleHead) else None
            strip = LabelStrip(window.row, np.empty(shape, np.uint8), sure, doubt)
        logits = head.class_logits(outputs[None])
        labels = judge.decision.labels(logits)[0]
        cols = slice(window.col, window.col + window.width)
        strip.labels[:, cols] = labels.cpu().numpy()
        if strip.scores is not None:
            strip.scores[:, cols] = _scores(logits[0], labels, judge.decision.temperature)
        if strip.doubts is not None and isinstance(head, EnsembleHead):
            doubts = head.disagreement(outputs[None])[0] * SCORE_SCALE
            strip.doubts[:, cols] = doubts.round().to(torch.int32).cpu().numpy()
        if cols.stop == width:
            yield strip


def _scores(logits: Tensor, labels: Tensor, temperature: float) -> NDArray[np.uint16]:
    """Calibrated probabilities of the classes that were decided for, 0 for the background."""
    found = labels > 0
    scores = np.zeros(tuple(labels.shape), np.uint16)
    if bool(found.any()):
        # Few pixels are anything but background, so that softmax is taken of these only.
        chances = (logits[:, found].float() / temperature).softmax(dim=0)
        own = chances.gather(0, labels[found].long()[None])[0]
        scores[found.cpu().numpy()] = (own * SCORE_SCALE).round().to(torch.int32).cpu().numpy()
    return scores


def _without_small_regions(strip: LabelStrip, smallest: Sequence[int]) -> LabelStrip:
    labels = remove_small_regions(strip.labels, smallest)
    if strip.scores is None or labels is strip.labels:
        return LabelStrip(strip.row, labels, strip.scores, strip.doubts)
    return LabelStrip(strip.row, labels, np.where(labels > 0, strip.scores, np.uint16(0)), strip.doubts)


def _block_scores(fine: LabelStrip, labels: NDArray[np.uint8], factor: int) -> NDArray[np.uint16] | None:
    if fine.scores is None:
        return None
    shape = (labels.shape[0], factor, labels.shape[1], factor)
    agrees = fine.labels.reshape(shape) == labels[:, None, :, None]
    sums = np.where(agrees, fine.scores.reshape(shape), 0).sum(axis=(1, 3), dtype=np.uint32)
    number = agrees.sum(axis=(1, 3), dtype=np.uint32)
    means: NDArray[np.uint16] = ((sums + number // 2) // np.maximum(number, 1)).astype(np.uint16)
    return means


def _block_doubts(fine: LabelStrip, factor: int) -> NDArray[np.uint16] | None:
    if fine.doubts is None:
        return None
    height, width = fine.doubts.shape
    blocks = fine.doubts.reshape(height // factor, factor, width // factor, factor)
    means: NDArray[np.uint16] = np.rint(blocks.mean(axis=(1, 3))).astype(np.uint16)
    return means
