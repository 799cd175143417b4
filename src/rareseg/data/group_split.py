"""Deal whole groups out to parts so that rare classes reach every part."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["deal_groups"]


def deal_groups(
    pixels: NDArray[np.int64], groups: Sequence[str], shares: Sequence[float], *, seed: int
) -> list[int]:
    """Choose a part for every sample; samples of one group go to the same part.

    The classes are dealt out one after the other, the one in the fewest groups first, and of each class the
    group with most of it first. A group goes to the part that brings all parts nearest to their shares, in
    pixels and images of that class and, with less weight, in images at all. Before the groups of a class run
    out, parts that hold none of it come first, so a class in as many groups as there are parts reaches all of
    them, and one in a single group the part with the largest share.

    Args:
        pixels: ``(n, k)`` pixels of each class in each sample.
        groups: ``(n,)`` group of each sample.
        shares: Share of each part; they sum to 1, and a part of share 0 stays empty.
        seed: Orders groups that are equal otherwise, through a hash of seed and group.

    Returns:
        ``(n,)`` number of the part of each sample.

    Example:
        >>> pixels = np.array([[9, 1], [9, 1], [9, 0], [9, 0]])
        >>> parts = deal_groups(pixels, ["a", "b", "c", "d"], [0.5, 0.5], seed=0)
        >>> parts[0] != parts[1], parts[2] != parts[3]
        (True, True)
    """
    names = sorted(set(groups), key=lambda name: _tie(seed, name))
    number = {name: index for index, name in enumerate(names)}
    rows = np.array([number[group] for group in groups])
    num_classes = pixels.shape[1]
    # Columns: pixels of each class, images that hold each class, images.
    table = np.zeros((len(names), 2 * num_classes + 1))
    np.add.at(table, rows, np.concatenate([pixels, pixels > 0, np.ones((len(pixels), 1))], axis=1))
    dealer = _Dealer(table / np.maximum(table.sum(axis=0), 1), np.asarray(shares, np.float64))
    order = sorted(
        range(num_classes), key=lambda index: (_num_holding(table, index), int(pixels[:, index].sum()))
    )
    for index in order:
        dealer.deal([index, num_classes + index])
    dealer.deal([2 * num_classes])
    return [int(dealer.part[row]) for row in rows]


class _Dealer:
    """What each part holds while groups are dealt out.

    Args:
        amount: ``(g, m)`` what each group brings of each column, as a share of the column's sum; the last
            column counts images.
        shares: ``(p,)`` share of each part.
    """

    def __init__(self, amount: NDArray[np.float64], shares: NDArray[np.float64]) -> None:
        self.part = np.full(len(amount), -1)
        self._amount = amount
        self._parts = np.flatnonzero(shares > 0)
        self._shares = shares[self._parts, None]
        self._filled = np.zeros((len(self._parts), amount.shape[1]))

    def deal(self, columns: list[int]) -> None:
        """Deal out the groups that are left and hold any of the columns."""
        brought = self._amount[:, columns].mean(axis=1)
        waiting = np.flatnonzero((self.part < 0) & (brought > 0))
        waiting = waiting[np.argsort(-brought[waiting], kind="stable")]
        for position, group in enumerate(waiting):
            without = self._filled[:, columns[0]] == 0
            must = without.any() and len(waiting) - position <= without.sum()
            self._give(int(group), np.where(must & ~without, np.inf, self._cost(int(group), columns)))

    def _cost(self, group: int, columns: list[int]) -> NDArray[np.float64]:
        """Growth of the distance to the shares, as in a chi-square sum, if a part takes the group."""
        used = [*columns, -1]
        weight = np.array([1.0] * len(columns) + [0.25])
        brings, filled = self._amount[group, used], self._filled[:, used]
        due = self._shares * (filled.sum(axis=0) + brings)
        growth = brings / self._shares * (2 * (filled - due) + brings)
        cost: NDArray[np.float64] = np.round((weight * growth).sum(axis=1), 12)
        return cost

    def _give(self, group: int, cost: NDArray[np.float64]) -> None:
        # Among equals the last part takes it, so that the test part comes before the validation part.
        chosen = len(cost) - 1 - int(np.argmin(cost[::-1]))
        self.part[group] = self._parts[chosen]
        self._filled[chosen] += self._amount[group]


def _num_holding(table: NDArray[np.float64], column: int) -> int:
    return int((table[:, column] > 0).sum())


def _tie(seed: int, name: str) -> str:
    return hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).hexdigest()
