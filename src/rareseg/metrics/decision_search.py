"""The search for the decision that serves an aim best on stored scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rareseg.metrics.aims import Aim
from rareseg.metrics.bins import NUM_BINS
from rareseg.metrics.outcomes import ImageTruth, Outcome
from rareseg.metrics.stored_image import NEVER, StoredImage

__all__ = ["Choice", "DecisionSearch"]

_SIZES = (0, 2, 3, 5, 8, 12, 20, 30, 50, 80, 120, 200, 300, 500)
"""Smallest regions that are tried, in pixels."""
_NUM_EDGES = 12
"""Thresholds that are tried first where regions have to be counted for each of them."""
_ROUNDS = 3
_TOLERANCE = 1e-12


@dataclass(frozen=True)
class Choice:
    """A decision in the terms of the search.

    Attributes:
        edges: Threshold of each class but the background, as the number of a bin edge; None for argmax's rule.
        smallest: Least number of pixels of a region of each of them; 0 keeps all.
        gate: Images with a lower score of the gate are skipped; None without a gate.
    """

    edges: tuple[int | None, ...]
    smallest: tuple[int, ...]
    gate: float | None = None


class DecisionSearch:
    """Coordinate ascent over thresholds, smallest regions and the gate, on exact counts of joined label maps.

    One coordinate after the other is set to its best value while the others stay, until nothing gets better. The
    best found need not be the best there is, but no step makes the figure worse, and of equally good values the one
    that is nearest to the start stays.

    Args:
        images: The stored pixels.
        truth: What the images hold.
        aim: What is to become better.
        tuned: Classes (without the background) that may be changed, with their lowest threshold.
        gate_scores: ``(n,)`` scores of the image gate; None without one.
        progress: Called with words on where the search is.
    """

    def __init__(
        self,
        images: Sequence[StoredImage],
        truth: ImageTruth,
        aim: Aim,
        *,
        tuned: dict[int, int],
        gate_scores: NDArray[np.float64] | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        self._images, self._truth, self._aim, self._tuned = images, truth, aim, tuned
        self._gate_scores = gate_scores
        self._say = progress or (lambda _: None)

    def rank(self, choice: Choice) -> NDArray[np.float64]:
        """How good a choice is, see `Aim.rank`."""
        return self._rank(_as_outcome(self._tally(choice)), choice.gate)

    def outcome(self, choice: Choice) -> Outcome:
        """What a choice says of the images, its gate included."""
        outcome = _as_outcome(self._tally(choice))
        if choice.gate is None or self._gate_scores is None:
            return outcome
        return outcome.only(self._gate_scores >= choice.gate)

    def ascend(self, start: Choice, *, with_sizes: bool = True) -> Choice:
        """Go up from a choice until no single change makes it better.

        Args:
            start: Where to begin.
            with_sizes: Whether smallest regions are chosen too.
        """
        if self._aim.by_regions:
            return self._climb(start, with_edges=True, with_sizes=with_sizes)
        # Thresholds alone cost one look at the pixels; regions are only counted when thresholds are settled.
        settled = self._climb(start, with_edges=True, with_sizes=False)
        return self._climb(settled, with_edges=False, with_sizes=True) if with_sizes else settled

    def better(self, one: Choice, other: Choice) -> Choice:
        """The better of two choices; the first where they are equal."""
        return other if _better(self.rank(other), self.rank(one)) else one

    def _climb(self, best: Choice, *, with_edges: bool, with_sizes: bool) -> Choice:
        rank = self.rank(best)
        for number in range(_ROUNDS):
            before = rank
            for index in self._tuned:
                self._say(f"round {number + 1}, class {index + 1}")
                if with_edges:
                    best, rank = self._improve_edge(best, rank, index)
                if with_sizes:
                    best, rank = self._improve_size(best, rank, index)
            best, rank = self._improve_gate(best, rank)
            if not _better(rank, before):
                break
        return best

    def with_aim(self, aim: Aim) -> DecisionSearch:
        """The same search for another aim."""
        return DecisionSearch(
            self._images,
            self._truth,
            aim,
            tuned=self._tuned,
            gate_scores=self._gate_scores,
            progress=self._say,
        )

    def _improve_edge(
        self, choice: Choice, rank: NDArray[np.float64], index: int
    ) -> tuple[Choice, NDArray[np.float64]]:
        edges = np.arange(self._tuned[index], NUM_BINS)
        if not self._aim.by_regions and not any(choice.smallest):
            tallied = self._pixels_at_all(choice, index)[edges]
            return self._pick(choice, rank, index, edges, tallied)
        step = max(1, len(edges) // _NUM_EDGES)
        reaches = self._reaches(choice, index)
        best, rank = self._pick(
            choice, rank, index, edges[::step], self._regions_at(choice, index, edges[::step], reaches)
        )
        while step > 1 and best.edges[index] is not None:
            step = (step + 1) // 2
            near = np.array([best.edges[index] - step, best.edges[index] + step])  # type: ignore[operator]
            near = near[(near >= edges[0]) & (near <= edges[-1])]
            if not len(near):
                break
            best, rank = self._pick(best, rank, index, near, self._regions_at(choice, index, near, reaches))
        return best, rank

    def _pick(
        self,
        choice: Choice,
        rank: NDArray[np.float64],
        index: int,
        edges: NDArray[np.int64],
        tallied: NDArray[np.float64],
    ) -> tuple[Choice, NDArray[np.float64]]:
        """The best of several thresholds, whose tallies are ``(edges, n, r, 4)``, where one is better."""
        ranks = self._rank(_as_outcome(tallied), choice.gate)
        now = choice.edges[index]
        for number in np.argsort(np.abs(edges - (NUM_BINS // 2 if now is None else now)), kind="stable"):
            if _better(ranks[number], rank):
                changed = (*choice.edges[:index], int(edges[number]), *choice.edges[index + 1 :])
                choice, rank = replace(choice, edges=changed), ranks[number]
        return choice, rank

    def _improve_size(
        self, choice: Choice, rank: NDArray[np.float64], index: int
    ) -> tuple[Choice, NDArray[np.float64]]:
        tallied = self._tally(choice)
        margins = [self._best_others(image, choice, index) for image in self._images]
        rows = [
            image.rows(index, _wins(image.margin(index, choice.edges[index]), other, first))
            for image, (other, first, _) in zip(self._images, margins, strict=True)
        ]
        for size in _SIZES:
            tried = tallied.copy()
            tried[:, index] = [found.count(size) for found in rows]
            found_rank = self._rank(_as_outcome(tried), choice.gate)
            if _better(found_rank, rank):
                sizes = (*choice.smallest[:index], size, *choice.smallest[index + 1 :])
                choice, rank = replace(choice, smallest=sizes), found_rank
        return choice, rank

    def _improve_gate(self, choice: Choice, rank: NDArray[np.float64]) -> tuple[Choice, NDArray[np.float64]]:
        if self._gate_scores is None or choice.gate is None:
            return choice, rank
        outcome = _as_outcome(self._tally(choice))
        levels = np.unique(self._gate_scores)
        # Midway between neighbouring scores, as `gate_threshold` has it.
        for threshold in np.concatenate([[0.0], (levels[1:] + levels[:-1]) / 2]):
            found = self._rank(outcome, float(threshold))
            if _better(found, rank):
                choice, rank = replace(choice, gate=float(threshold)), found
        return choice, rank

    def _rank(self, outcome: Outcome, gate: float | None) -> NDArray[np.float64]:
        if gate is not None and self._gate_scores is not None:
            outcome = outcome.only(self._gate_scores >= gate)
        return self._aim.rank(self._aim.statistics(self._truth, outcome).sum(axis=-2))

    def _tally(self, choice: Choice) -> NDArray[np.float64]:
        """``(n, r, 4)``: what a choice gives in each image and class, whatever the gate says."""
        return np.array(
            [
                [
                    image.rows(index, labels == index + 1).count(choice.smallest[index])
                    for index in range(len(choice.edges))
                ]
                for image in self._images
                for labels in [self._labels(image, choice)]
            ]
        ).reshape(len(self._images), len(choice.edges), 4)

    def _labels(self, image: StoredImage, choice: Choice) -> NDArray[np.int64]:
        """Class index of each stored pixel, before small regions are removed."""
        margin, _, label = self._best_others(image, choice, None)
        return np.where(margin > NEVER, label, 0)

    def _best_others(
        self, image: StoredImage, choice: Choice, left_out: int | None
    ) -> tuple[NDArray[np.int16], NDArray[np.bool_], NDArray[np.int64]]:
        """Largest margin of all classes but one, whether a class before that one has it, and which class."""
        best = np.full(len(image.position), NEVER, np.int16)
        label = np.zeros(len(image.position), np.int64)
        for index, edge in enumerate(choice.edges):
            if index != left_out:
                margin = image.margin(index, edge)
                ahead = margin > best
                best = np.where(ahead, margin, best)
                label[ahead] = index + 1
        first = label <= (left_out if left_out is not None else 0)
        return best, first, label

    def _reaches(self, choice: Choice, index: int) -> list[tuple[NDArray[np.int16], NDArray[np.int64]]]:
        """Of each image: the highest threshold at which the class takes each pixel, and who has it above that."""
        found = []
        for image in self._images:
            other, first, label = self._best_others(image, choice, index)
            score = image.bins[index]
            # A class that comes before wins a tie of margins.
            limit = np.where(other == NEVER, score, score - other - (first & (label > 0)))
            found.append((np.minimum(score, limit).astype(np.int16), label))
        return found

    def _pixels_at_all(self, choice: Choice, index: int) -> NDArray[np.float64]:
        """``(256, n, r, 4)``: hit and judged pixels at every threshold of one class, the other columns 0."""
        num = len(choice.edges)
        tallied = np.zeros((NUM_BINS, len(self._images), num, 4))
        for number, (image, (reach, label)) in enumerate(
            zip(self._images, self._reaches(choice, index), strict=True)
        ):
            judged = image.target != 255
            reach = np.maximum(reach, 0)
            for column, counted in ((0, None), (1, judged)):
                own = (image.target == index + 1) if counted is None else counted
                tallied[:, number, index, column] = _at_or_above(reach[own])
                for other in range(num):
                    if other == index:
                        continue
                    held = (label == other + 1) & (
                        (image.target == other + 1) if counted is None else counted
                    )
                    tallied[:, number, other, column] = held.sum() - _at_or_above(reach[held])
        return tallied

    def _regions_at(
        self,
        choice: Choice,
        index: int,
        edges: NDArray[np.int64],
        reaches: Sequence[tuple[NDArray[np.int16], NDArray[np.int64]]],
    ) -> NDArray[np.float64]:
        """``(edges, n, r, 4)`` at several thresholds of one class; what does not change is not counted again."""
        num = len(choice.edges)
        tallied = np.zeros((len(edges), len(self._images), num, 4))
        for number, (image, (reach, label)) in enumerate(zip(self._images, reaches, strict=True)):
            now = np.zeros((num, 4))
            taken = np.zeros(len(reach), bool)
            for other in range(num):
                if other != index:
                    now[other] = image.rows(other, label == other + 1).count(choice.smallest[other])
            for place in np.argsort(-edges, kind="stable"):
                more = (reach >= edges[place]) & ~taken
                if more.any():
                    taken |= more
                    now = now.copy()
                    now[index] = image.rows(index, taken).count(choice.smallest[index])
                    for other in set((label[more] - 1).tolist()) - {-1}:
                        kept = (label == other + 1) & ~taken
                        now[other] = image.rows(other, kept).count(choice.smallest[other])
                tallied[place, number] = now
        return tallied


def _wins(margin: NDArray[np.int16], other: NDArray[np.int16], first: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where a class takes a pixel: its margin is the largest, or as large as that of a later class."""
    taken: NDArray[np.bool_] = (margin > NEVER) & ((margin > other) | ((margin == other) & ~first))
    return taken


def _as_outcome(tallied: NDArray[np.float64]) -> Outcome:
    tp, predicted, hit, false = np.moveaxis(tallied, -1, 0)
    return Outcome(tp, predicted, hit, false)


def _at_or_above(reach: NDArray[np.int16]) -> NDArray[np.int64]:
    """``(256,)``: number of values at or above each edge."""
    return np.cumsum(np.bincount(reach, minlength=NUM_BINS)[::-1])[::-1]


def _better(rank: NDArray[np.float64], than: NDArray[np.float64]) -> bool:
    """Whether a rank is above another: the first number in which they differ decides."""
    for one, other in zip(rank, than, strict=True):
        if abs(one - other) > _TOLERANCE:
            return bool(one > other)
    return False
