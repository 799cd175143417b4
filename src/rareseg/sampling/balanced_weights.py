"""The linear programme of Equal Pixels: how often to take each window so that class totals are equal."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import OptionError

__all__ = ["balanced_weights"]

_NOTHING = 1e-9
_GAIN = 1e-7
_FIRST_WINDOWS = 2000
_WINDOWS_AT_ONCE = 4000
_PART_OF_IMAGE = 128


class _Programme(NamedTuple):
    """Maximise the sum of the first ``n`` columns, between 0 and ``most``; all right-hand sides are 0.

    Behind them stand the smallest class total and the sum of all weights, the base mixture among them.
    """

    most: NDArray[np.float64]
    upper: Any
    equal: Any


def balanced_weights(
    counts: NDArray[np.integer], image: NDArray[np.int64], *, ratio: float, image_share: float
) -> NDArray[np.float64] | None:
    """Share of the patches that each window gets, or None where no mixture meets the demands.

    The programme, solved by HiGHS: maximise the sum of ``v`` where ``0 <= v <= fill`` for every window and the
    totals of all classes are equal (``largest <= ratio * smallest``). Equality stays when ``v`` is scaled, so
    the answer, scaled to sum 1, is the mixture whose largest weight is smallest: as many distinct windows as
    possible, each as often as the others.

    ``fill`` is 1 for a window that holds as many pixels of some class as half of the windows with that class
    do, and less in proportion for one that holds less: without it, patches with a sliver of a class at their
    edge would be preferred, since they count as a window but hardly disturb the balance.

    No image is left out: its part of the patches is set apart beforehand and spread over those of its windows
    that equality can best afford, at the prices of a first answer without images; they count in the totals. An
    image that would get too much is bounded by a row of its own, so the programme stays small however many
    images there are.

    Args:
        counts: ``(n, k)`` pixels of the classes to be equal; every window holds one.
        image: ``(n,)`` number of each window's image, from 0 without gaps.
        ratio: Largest over smallest class total, 1 or more.
        image_share: Smallest share of an image as a part of the even share, below 1; its inverse is the largest.

    Raises:
        OptionError: The solver gave up.
    """
    first = np.zeros(len(counts), np.bool_)
    first[:: max(1, len(counts) // _FIRST_WINDOWS)] = True
    base = np.zeros(len(counts))
    found, gain = _solve(_programme(counts, image, base, [], ratio=ratio, image_share=0.0), first)
    if image_share == 0 or not found.any():
        return _scaled(found, base)
    base = image_share * _affordable(gain, image)
    bounded: list[int] = []
    num_images = int(image.max()) + 1
    while True:
        programme = _programme(counts, image, base, bounded, ratio=ratio, image_share=image_share)
        found, _ = _solve(programme, first | (found > 0))
        weights = _scaled(found, base)
        if weights is None:
            return None
        shares = np.bincount(image, weights) * num_images * image_share
        above = set(np.flatnonzero(shares > 1 + _GAIN).tolist()) - set(bounded)
        if not above:
            return weights
        bounded = sorted({*bounded, *above})


def _affordable(gain: NDArray[np.float64], image: NDArray[np.int64]) -> NDArray[np.float64]:
    """An even mixture of all images: of each its windows with a gain, and the best of every 128 at least."""
    order = np.lexsort((-gain, image))
    sizes = np.bincount(image)
    place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    chosen = np.zeros(len(order), np.bool_)
    chosen[order] = place * _PART_OF_IMAGE < sizes[image[order]]
    chosen |= gain > 0
    return np.asarray(chosen / np.bincount(image[chosen])[image] / len(sizes))


def _scaled(found: NDArray[np.float64], base: NDArray[np.float64]) -> NDArray[np.float64] | None:
    weights = np.where(found > _NOTHING, found, 0.0)
    if not weights.any():
        return None
    return np.asarray(base + weights / weights.sum() * (1 - base.sum()))


def _programme(
    counts: NDArray[np.integer],
    image: NDArray[np.int64],
    base: NDArray[np.float64],
    bounded: list[int],
    *,
    ratio: float,
    image_share: float,
) -> _Programme:
    from scipy import sparse

    typical = np.array([np.median(column[column > 0]) if column.any() else 1.0 for column in counts.T])
    num, num_images = len(counts), int(image.max()) + 1
    # One scale for all classes keeps their totals comparable and the numbers near 1.
    pixels = (counts / typical.mean()).T

    def rows(windows: Any, smallest: float, total: Any) -> Any:
        behind = np.empty((windows.shape[0], 2))
        behind[:, 0], behind[:, 1] = smallest, total
        return sparse.hstack([sparse.csr_array(windows), sparse.csr_array(behind)])

    equal, upper = [rows(np.ones((1, num)), 0, base.sum() - 1)], []
    if ratio == 1:
        equal.append(rows(pixels, -1, pixels @ base))
    else:
        upper += [rows(-pixels, 1, -pixels @ base), rows(pixels, -ratio, pixels @ base)]
    if bounded:
        inside = (image == np.array(bounded)[:, None]).astype(np.float64)
        upper.append(rows(inside, 0, inside @ base - 1 / image_share / num_images))
    return _Programme(
        most=np.minimum(1, (counts / typical).sum(axis=1)),
        upper=sparse.vstack(upper).tocsc() if upper else None,
        equal=sparse.vstack(equal).tocsc(),
    )


def _solve(
    programme: _Programme, first: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Solve with some windows, add those that the prices say would help, until none is left: exact, and faster.

    A window helps where a unit of it adds more to the sum than what it takes up of the constraints costs, at
    the marginal prices of the last answer. When no window does, the answer is the best over all of them.

    Args:
        programme: What is to be solved.
        first: ``(n,)`` windows to begin with.

    Returns:
        ``v`` of every window, and what a unit of it gains at the last prices.
    """
    from scipy.optimize import linprog

    num = len(programme.most)
    active = first.copy()
    while True:
        columns = np.append(np.flatnonzero(active), [num, num + 1])
        bounds = np.full((len(columns), 2), [0, np.inf])
        bounds[:-2, 1] = programme.most[active]
        upper = None if programme.upper is None else programme.upper[:, columns]
        found = linprog(
            np.append(np.full(len(columns) - 2, -1.0), [0.0, 0.0]),
            A_ub=upper,
            b_ub=None if upper is None else np.zeros(upper.shape[0]),
            A_eq=programme.equal[:, columns],
            b_eq=np.zeros(programme.equal.shape[0]),
            bounds=bounds,
            method="highs-ds",
        )
        if found.x is None:
            raise OptionError(
                f"The plan 'equal_pixels' should be solved for {num} windows, but the solver says "
                f"'{found.message}'; take a coarser 'stride'."
            )
        cost = programme.equal.T @ found.eqlin.marginals
        if programme.upper is not None:
            cost += programme.upper.T @ found.ineqlin.marginals
        gain = 1 + cost[:num]
        helps = np.flatnonzero((gain > _GAIN) & ~active)
        if len(helps) == 0:
            values = np.zeros(num)
            values[active] = found.x[:-2]
            return values, gain
        worth = gain[helps] * programme.most[helps]
        active[helps[np.argsort(-worth)[:_WINDOWS_AT_ONCE]]] = True
