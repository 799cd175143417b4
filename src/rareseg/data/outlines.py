"""Outlines of regions along the edges of their pixels, as polygons with holes."""

from __future__ import annotations

import itertools
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from rareseg.metrics.column_runs import ColumnRuns

__all__ = ["outline"]

Corner = tuple[int, int]
Ring = list[Corner]


def outline(runs: ColumnRuns, height: int) -> list[list[Ring]]:
    """Polygons that cover exactly the pixels of a region.

    Pixels that touch by a corner only are apart, and rings that touch themselves are cut there, so that all rings are
    simple as OGC Simple Features and RFC 7946 ask: exterior ones go against the clock in a picture whose rows go
    down, holes with it.

    Args:
        runs: Of the region, joined.
        height: Rows of the image.

    Returns:
        For each polygon its exterior ring and its holes; a ring lists ``(row, col)`` of corners of pixels, the first
        one repeated at the end. Corner (0, 0) is that of the image.

    Example:
        >>> outline(ColumnRuns(np.array([0]), np.array([2])), 4)
        [[[(0, 0), (2, 0), (2, 1), (0, 1), (0, 0)]]]
    """
    spans = _spans(runs, height)
    rings = [ring for traced in _trace(_edges(spans)) for ring in _simple(traced)]
    exteriors = [ring for ring in rings if _area(ring) > 0]
    polygons = [[_straight(ring)] for ring in exteriors]
    holes = [ring for ring in rings if _area(ring) < 0]
    if len(polygons) == 1:
        polygons[0] += [_straight(hole) for hole in holes]
        return polygons
    boxes = [np.array(ring) for ring in exteriors]
    for hole in holes:
        # A part can lie in a hole of another one, which then goes around its holes too.
        around = min(
            (index for index, box in enumerate(boxes) if _holds(box, hole)),
            key=lambda index: abs(_area(exteriors[index])),
        )
        polygons[around].append(_straight(hole))
    return polygons


def _spans(runs: ColumnRuns, height: int) -> dict[int, NDArray[np.int64]]:
    """For each column first rows and rows behind the last, ``(n, 2)``; a run that goes on in the next column is cut."""
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for start, length in zip(runs.starts.tolist(), runs.lengths.tolist(), strict=True):
        end = start + length
        while start < end:
            col, row = divmod(start, height)
            stop = min(end, (col + 1) * height)
            found[col].append((row, row + stop - start))
            start = stop
    return {col: np.array(spans) for col, spans in found.items()}


def _edges(spans: dict[int, NDArray[np.int64]]) -> dict[Corner, list[Corner]]:
    """Directed sides of the region, from corner to corner, with the region on the left as one looks at the picture."""
    edges: dict[Corner, list[Corner]] = defaultdict(list)
    for col, own in spans.items():
        for top, bottom in own.tolist():
            edges[top, col + 1].append((top, col))
            edges[bottom, col].append((bottom, col + 1))
        for top, bottom in _without(own, spans.get(col - 1)):
            edges[top, col].append((bottom, col))
        for top, bottom in _without(own, spans.get(col + 1)):
            edges[bottom, col + 1].append((top, col + 1))
    return edges


def _without(own: NDArray[np.int64], other: NDArray[np.int64] | None) -> list[tuple[int, int]]:
    """Spans of a column that the column beside it does not cover."""
    if other is None:
        return [(top, bottom) for top, bottom in own.tolist()]
    # All ends of spans cut both columns into pieces that lie wholly inside or outside of each.
    cuts = np.unique(np.concatenate([own.reshape(-1), other.reshape(-1)]))
    inside = np.searchsorted(own.reshape(-1), cuts[:-1], side="right") % 2 == 1
    covered = np.searchsorted(other.reshape(-1), cuts[:-1], side="right") % 2 == 1
    free = inside & ~covered
    return list(zip(cuts[:-1][free].tolist(), cuts[1:][free].tolist(), strict=True))


def _trace(edges: dict[Corner, list[Corner]]) -> list[Ring]:
    """Closed ways along the edges, which are used up; where four meet, a way stays at the pixel that it goes around."""
    rings = []
    # The first corner that is left has no edge above it, so that only one way leaves it.
    for start in sorted(edges):
        if start not in edges:
            continue
        ring, before, here = [start], start, edges.pop(start)[0]
        while here != start:
            ring.append(here)
            ahead = edges[here]
            step = ahead[0] if len(ahead) == 1 else _left_of(before, here, ahead)
            ahead.remove(step)
            if not ahead:
                del edges[here]
            before, here = here, step
        rings.append([*ring, start])
    return rings


def _left_of(before: Corner, here: Corner, ahead: list[Corner]) -> Corner:
    """The next corner that is reached by a turn to the left, as one looks at the picture."""
    down, right = here[0] - before[0], here[1] - before[1]
    return max(ahead, key=lambda step: down * (step[1] - here[1]) - right * (step[0] - here[0]))


def _simple(ring: Ring) -> list[Ring]:
    """A closed way cut wherever it comes to a corner a second time."""
    found: list[Ring] = []
    way: Ring = []
    places: dict[Corner, int] = {}
    for corner in ring:
        if corner in places:
            first = places[corner]
            found.append([*way[first:], corner])
            for gone in way[first + 1 :]:
                del places[gone]
            del way[first + 1 :]
        else:
            places[corner] = len(way)
            way.append(corner)
    return found


def _area(ring: Ring) -> int:
    """Twice the area, above 0 where the ring goes against the clock in a picture whose rows go down."""
    return sum(
        row * other_col - other_row * col for (row, col), (other_row, other_col) in itertools.pairwise(ring)
    )


def _straight(ring: Ring) -> Ring:
    """The ring without corners at which it does not turn, beginning at the first in reading order."""
    corners = ring[:-1]
    kept = [
        corner
        for before, corner, after in zip(
            [corners[-1], *corners[:-1]], corners, [*corners[1:], corners[0]], strict=True
        )
        if (before[0] == corner[0]) != (corner[0] == after[0])
    ]
    first = kept.index(min(kept))
    return [*kept[first:], *kept[:first], kept[first]]


def _holds(ring: NDArray[np.int64], hole: Ring) -> bool:
    """Whether a ring goes around a hole: a ray from inside the hole crosses it an odd number of times."""
    # The middle of the pixel of the hole that is below and right of its first corner in reading order.
    row, col = (place + 0.5 for place in min(hole))
    upright = ring[:-1, 1] == ring[1:, 1]
    low, high = np.minimum(ring[:-1, 0], ring[1:, 0]), np.maximum(ring[:-1, 0], ring[1:, 0])
    crossed = upright & (ring[:-1, 1] > col) & (low < row) & (row < high)
    return bool(np.count_nonzero(crossed) % 2)
