"""Regions of a label map that comes in strips: what each measures, exactly as in the whole map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rareseg.metrics.column_runs import ColumnRuns
from rareseg.metrics.components import find_components
from rareseg.types import IGNORE_INDEX

__all__ = ["RegionRuns", "RegionStream", "Regions"]

_PIXELS = 1 << 22
"""Pixels that are looked at together, so that a strip of noise does not take a hundred bytes for each of its pixels."""


@dataclass(frozen=True, eq=False)
class RegionRuns:
    """Pixels of regions, of one after the other.

    Attributes:
        starts: First pixel of each run down the columns of the whole map, sorted within each region.
        lengths: Pixels of each run.
        bounds: ``(regions + 1,)`` where the runs of each begin.
    """

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    bounds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def __iter__(self) -> Iterator[ColumnRuns]:
        for first, end in pairwise(self.bounds.tolist()):
            # Runs that a cut between strips divided are one again.
            yield ColumnRuns(self.starts[first:end], self.lengths[first:end]).joined()


@dataclass(frozen=True, eq=False)
class Regions:
    """8-connected regions of one class each, by the reading order of their first pixels. All arrays are ``(n,)``.

    Attributes:
        label: Class index.
        area: Pixels.
        sum_rows: Sum of their rows; over the area, the row of the centroid.
        sum_cols: Sum of their columns.
        top, left, bottom, right: Box that holds them, last row and column excluded.
        sum_scores: Sum of their scores; 0 without scores.
        max_score: Their largest score.
        runs: Pixels of each region as runs down the columns, where they were asked for.
    """

    label: NDArray[np.int64]
    area: NDArray[np.int64]
    sum_rows: NDArray[np.int64]
    sum_cols: NDArray[np.int64]
    top: NDArray[np.int64]
    left: NDArray[np.int64]
    bottom: NDArray[np.int64]
    right: NDArray[np.int64]
    sum_scores: NDArray[np.int64]
    max_score: NDArray[np.int64]
    runs: RegionRuns | None = None

    def __len__(self) -> int:
        return len(self.label)


# How measures of two pieces make the measure of both.
_SUMS = ("area", "sum_rows", "sum_cols", "sum_scores")
_LEAST = ("first", "label", "top", "left")
_MOST = ("bottom", "right", "max_score")


@dataclass
class _Pieces:
    """Parts of regions, each within one strip."""

    measures: dict[str, list[NDArray[np.int64]]] = field(default_factory=dict)
    links: list[NDArray[np.int64]] = field(default_factory=list)
    """``(2, m)``: numbers of pieces that touch."""
    runs: list[NDArray[np.int64]] = field(default_factory=list)
    """``(3, m)``: piece, first pixel down the columns of the whole image, length."""
    number: int = 0


class RegionStream:
    """Takes a label map strip by strip and gives its regions at the end.

    Memory holds 88 bytes for each region and strip that it has pixels in, up to three times that while they are joined
    at the end, and with ``keep_runs`` 24 bytes for each run, then up to four times that. All sums are whole numbers,
    so that they do not depend on where the map is cut.

    Args:
        size: Rows and columns of the whole map.
        keep_runs: Whether regions come with their pixels.

    Example:
        >>> stream = RegionStream((2, 3))
        >>> stream.add(np.array([[1, 0, 2]], np.uint8))
        >>> stream.add(np.array([[0, 1, 2]], np.uint8))
        >>> found = stream.close()
        >>> found.label.tolist(), found.area.tolist(), found.sum_cols.tolist()
        ([1, 2], [2, 2], [1, 4])
    """

    def __init__(self, size: tuple[int, int], *, keep_runs: bool = False) -> None:
        self._height, self._width = size
        self._keep_runs = keep_runs
        self._row = 0
        self._pieces = _Pieces()
        self._edge_labels = np.zeros(self._width, np.uint8)
        self._edge_pieces = np.full(self._width, -1, np.int64)

    def add(self, labels: NDArray[np.uint8], scores: NDArray[np.uint16] | None = None) -> None:
        """The next rows.

        Args:
            labels: ``(n, w)`` class indices; the background (0) and ignored pixels (255) are no regions.
            scores: ``(n, w)`` whole numbers, of which regions have sum and maximum.
        """
        step = max(1, _PIXELS // self._width)
        for first in range(0, len(labels), step):
            part = slice(first, first + step)
            self._add(labels[part], None if scores is None else scores[part])

    def close(self) -> Regions:
        """The regions of all rows together."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        pieces = self._pieces
        if not pieces.number:
            empty = np.zeros(0, np.int64)
            names = [*_SUMS, *_LEAST[1:], *_MOST]
            return Regions(
                **dict.fromkeys(names, empty),
                runs=RegionRuns(empty, empty, np.zeros(1, np.int64)) if self._keep_runs else None,
            )
        links = np.concatenate([np.zeros((2, 0), np.int64), *pieces.links], axis=1)
        graph = coo_array((np.ones(links.shape[1], bool), tuple(links)), shape=(pieces.number,) * 2)
        number, region = connected_components(graph, directed=False)
        joined = _joined({name: np.concatenate(parts) for name, parts in pieces.measures.items()}, region)
        order = np.argsort(joined.pop("first"), kind="stable")
        place = np.empty(number, np.int64)
        place[order] = np.arange(number)
        runs = self._runs_of(place[region], number) if self._keep_runs else None
        return Regions(**{name: values[order] for name, values in joined.items()}, runs=runs)

    def _add(self, labels: NDArray[np.uint8], scores: NDArray[np.uint16] | None) -> None:
        """Rows few enough to be looked at together. Runs go down the columns, as formats of run lengths want them."""
        flat_labels = np.ascontiguousarray(labels.T)
        found = find_components(flat_labels)
        num_rows = len(labels)
        ends = np.append(found.starts[1:], flat_labels.size)
        wanted = (found.values != 0) & (found.values != IGNORE_INDEX)
        number = np.cumsum(wanted) - 1 + self._pieces.number
        number[~wanted] = -1
        piece_of_run = number[found.component]
        kept = piece_of_run >= 0
        piece, starts, ends = piece_of_run[kept], found.starts[kept], ends[kept]
        if len(piece):
            sums, most = _score_figures(scores, found.starts, kept)
            self._measure(piece, flat_labels.reshape(-1)[starts], starts, ends, num_rows, sums, most)
        self._link(labels, found.starts, piece_of_run, num_rows)
        self._row += num_rows

    def _measure(
        self,
        piece: NDArray[np.int64],
        label: NDArray[np.uint8],
        starts: NDArray[np.intp],
        ends: NDArray[np.intp],
        num_rows: int,
        sums: NDArray[np.int64],
        most: NDArray[np.int64],
    ) -> None:
        col, top = np.divmod(starts, num_rows)
        length = ends - starts
        top = top + self._row
        bottom = top + length
        figures = {
            "first": top * self._width + col,
            "label": label.astype(np.int64),
            "area": length,
            "sum_rows": (top + bottom - 1) * length // 2,
            "sum_cols": col * length,
            "top": top,
            "left": col,
            "bottom": bottom,
            "right": col + 1,
            "sum_scores": sums,
            "max_score": most,
        }
        before = self._pieces.number
        for name, values in _joined(figures, piece - before).items():
            self._pieces.measures.setdefault(name, []).append(values)
        self._pieces.number = before + int(piece.max() - before) + 1
        if self._keep_runs:
            self._pieces.runs.append(np.stack([piece, col * self._height + top, length]))

    def _link(
        self,
        labels: NDArray[np.uint8],
        starts: NDArray[np.intp],
        piece_of_run: NDArray[np.int64],
        num_rows: int,
    ) -> None:
        """Note which pieces of the first row touch which of the row above, also by a corner."""
        columns = np.arange(self._width) * num_rows
        first = piece_of_run[np.searchsorted(starts, columns, side="right") - 1]
        for shift in (-1, 0, 1):
            above = slice(max(0, -shift), self._width - max(0, shift))
            below = slice(max(0, shift), self._width - max(0, -shift))
            touch = (
                (self._edge_labels[above] == labels[0, below])
                & (self._edge_pieces[above] >= 0)
                & (first[below] >= 0)
            )
            if touch.any():
                pairs = np.stack([self._edge_pieces[above][touch], first[below][touch]])
                self._pieces.links.append(np.unique(pairs, axis=1))
        self._edge_labels = labels[-1].copy()
        self._edge_pieces = piece_of_run[np.searchsorted(starts, columns + num_rows - 1, side="right") - 1]

    def _runs_of(self, region: NDArray[np.int64], number: int) -> RegionRuns:
        piece, starts, lengths = np.concatenate(self._pieces.runs, axis=1)
        own = region[piece]
        order = np.lexsort((starts, own))
        bounds = np.searchsorted(own[order], np.arange(number + 1))
        return RegionRuns(starts[order], lengths[order], bounds)


def _joined(figures: dict[str, NDArray[np.int64]], owner: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Measures of owners from those of their parts; every owner has at least one."""
    order = np.argsort(owner, kind="stable")
    firsts = np.flatnonzero(np.diff(owner[order], prepend=-1))
    ways = {
        **dict.fromkeys(_SUMS, np.add),
        **dict.fromkeys(_LEAST, np.minimum),
        **dict.fromkeys(_MOST, np.maximum),
    }
    return {name: ways[name].reduceat(values[order], firsts) for name, values in figures.items()}


def _score_figures(
    scores: NDArray[np.uint16] | None, starts: NDArray[np.intp], kept: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sum and maximum of the scores of each run that is kept."""
    if scores is None:
        zeros = np.zeros(np.count_nonzero(kept), np.int64)
        return zeros, zeros
    flat = np.ascontiguousarray(scores.T).reshape(-1)
    sums = np.add.reduceat(flat, starts, dtype=np.int64)
    return sums[kept], np.maximum.reduceat(flat, starts)[kept].astype(np.int64)
