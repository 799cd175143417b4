"""Connected components of a label map, all classes in one pass over runs instead of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Components", "find_components"]


@dataclass(frozen=True)
class Components:
    """Runs of equal value along rows, and the 8-connected component that each belongs to."""

    starts: NDArray[np.intp]
    """``(runs,)`` position of the first pixel in the flattened map, ascending; the first is 0."""
    component: NDArray[np.intp]
    """``(runs,)`` number of the component, from 0."""
    values: NDArray[np.int64]
    """``(components,)`` value of its pixels."""
    areas: NDArray[np.int64]
    """``(components,)`` number of pixels."""


def find_components(labels: NDArray[Any]) -> Components:
    """Find the 8-connected components of equal value in ``labels (h, w)``, which holds at least one pixel.

    A map of a few blobs has few runs, so that this costs little more than one look at each pixel; labelling
    class by class looks at each pixel many times.

    Example:
        >>> found = find_components(np.array([[1, 0], [0, 1]]))
        >>> sorted(zip(found.values.tolist(), found.areas.tolist()))
        [(0, 2), (1, 2)]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    height, width = labels.shape
    flat = np.ascontiguousarray(labels).reshape(-1)
    begins = np.empty(flat.size, bool)
    np.not_equal(flat[1:], flat[:-1], out=begins[1:])
    begins[::width] = True
    starts = np.flatnonzero(begins)
    ends = np.append(starts[1:], flat.size)
    values = flat[starts].astype(np.int64)
    upper, lower = _touching(starts, ends, height, width)
    alike = values[upper] == values[lower]
    links = (np.ones(np.count_nonzero(alike), bool), (upper[alike], lower[alike]))
    number, component = connected_components(coo_array(links, shape=(len(starts),) * 2), directed=False)
    component = component.astype(np.intp)
    value_of = np.zeros(number, np.int64)
    value_of[component] = values
    # Weights are float64, exact up to 2**53 pixels.
    areas = np.bincount(component, weights=ends - starts, minlength=number).astype(np.int64)
    return Components(starts, component, value_of, areas)


def _touching(
    starts: NDArray[np.intp], ends: NDArray[np.intp], height: int, width: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of runs that touch, also by a corner: number of the upper one, number of the lower one.

    The runs of a row cover it, so those below one run are neighbours in the list.
    """
    upper = np.arange(np.searchsorted(starts, (height - 1) * width))
    below = (starts[upper] // width + 1) * width
    left = np.maximum(starts[upper] + width - 1, below)
    right = np.minimum(ends[upper] + width, below + width - 1)
    first = np.searchsorted(starts, left, side="right") - 1
    number = np.searchsorted(starts, right, side="right") - first
    offset = np.cumsum(number) - number
    lower = np.arange(number.sum()) + np.repeat(first - offset, number)
    return np.repeat(upper, number), lower
