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
    group with most of it first. A group goes to the part that is furthest below its share of the class, in
    the mean of pixels and images. Before the groups of a class run out, parts that hold none of it come
    first, so a class in as many groups as there are parts reaches all of them, and one in a single group the
    part with the largest share.

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
    # The last column counts the images themselves.
    images = np.concatenate([pixels > 0, np.ones((len(pixels), 1), bool)], axis=1).astype(np.float64)
    held = _sum_rows(images, rows, len(names))
    amount = _shares(held)
    amount[:, :num_classes] = (
        amount[:, :num_classes] + _shares(_sum_rows(pixels.astype(float), rows, len(names)))
    ) / 2
    dealt = _Parts(np.asarray(shares, np.float64), amount, held > 0)
    order = sorted(
        range(num_classes), key=lambda index: (int((held[:, index] > 0).sum()), int(pixels[:, index].sum()))
    )
    for column in (*order, num_classes):
        dealt.deal(column)
    return [int(dealt.part[row]) for row in rows]


class _Parts:
    """What each part holds while groups are dealt out.

    Args:
        shares: ``(p,)`` share of each part.
        amount: ``(g, k + 1)`` share of each class, and of the images, that each group brings.
        holds: ``(g, k + 1)`` whether a group has any of it.
    """

    def __init__(
        self, shares: NDArray[np.float64], amount: NDArray[np.float64], holds: NDArray[np.bool_]
    ) -> None:
        self.part = np.full(len(amount), -1)
        self._amount, self._holds = amount, holds
        self._open = shares > 0
        self._lacks = np.repeat(shares[:, None], amount.shape[1], axis=1)
        self._reached = np.zeros((len(shares), amount.shape[1]), bool)

    def deal(self, column: int) -> None:
        """Deal out all groups left that hold a class."""
        waiting = np.flatnonzero((self.part < 0) & self._holds[:, column])
        waiting = waiting[np.argsort(-self._amount[waiting, column], kind="stable")]
        for position, group in enumerate(waiting):
            without = self._open & ~self._reached[:, column]
            must = without.any() and len(waiting) - position <= without.sum()
            self._give(int(group), self._neediest(without if must else self._open, column))

    def _neediest(self, candidates: NDArray[np.bool_], column: int) -> int:
        """The candidate that lacks most of the class; between equals, the one that lacks most images.

        Where these are equal too it is the last one, so that the test part comes before the validation part.
        """
        lack = np.round(self._lacks[:, [-1, column]], 9)
        order = np.lexsort((np.arange(len(lack)), lack[:, 0], lack[:, 1]))
        return int(order[candidates[order]][-1])

    def _give(self, group: int, part: int) -> None:
        self.part[group] = part
        self._lacks[part] -= self._amount[group]
        self._reached[part] |= self._holds[group]


def _sum_rows(values: NDArray[np.float64], rows: NDArray[np.int64], number: int) -> NDArray[np.float64]:
    sums = np.zeros((number, values.shape[1]))
    np.add.at(sums, rows, values)
    return sums


def _shares(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    divided: NDArray[np.float64] = sums / np.maximum(sums.sum(axis=0), 1)
    return divided


def _tie(seed: int, name: str) -> str:
    return hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).hexdigest()
