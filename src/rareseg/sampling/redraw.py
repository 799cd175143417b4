"""Drawing again until a window will do, as a pure function of the numbers of one patch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rareseg.sampling.plan import Corners
from rareseg.sampling.window_pool import Condition

__all__ = ["Redraw"]

_DRAWS_AT_ONCE = 512

Draw = Callable[[NDArray[np.float64], NDArray[np.int64] | None], Corners]


class _Fallback(Protocol):
    num_uniforms: int

    def __call__(self, u: NDArray[np.float64], index: NDArray[np.int64] | None = None) -> Corners: ...


class Redraw:
    """Draws several times and takes the first window that will do; if none does, asks the fallback.

    What comes out is distributed as the draws that will do, but for the patches that fall back: with a share
    ``q`` of draws that will not do, these are ``q ** attempts`` of all, such as 3 % where four of five draws
    are refused and 16 attempts are made.

    Args:
        draw: Turns ``(m, num)`` numbers and ``(m,)`` indices into windows.
        num: Numbers that one draw uses up.
        kept: How many of these, counted from the first, all draws of a patch share.
        fresh: How many of those that follow are new in each draw; the rest is shared too. None for all.
        condition: Which windows will do.
        fallback: Windows that will do for certain, such as a `WindowPool`, or another `Redraw`.
        attempts: Draws at most; where no number is new, one.

    Attributes:
        num_uniforms: Numbers that a patch uses up.
    """

    def __init__(
        self,
        draw: Draw,
        *,
        num: int,
        kept: int = 0,
        fresh: int | None = None,
        condition: Condition,
        fallback: _Fallback,
        attempts: int = 16,
    ) -> None:
        self._draw, self._condition, self._fallback = draw, condition, fallback
        self._kept = kept
        self._fresh = num - kept if fresh is None else fresh
        self._shared = num - self._fresh
        self._attempts = attempts if self._fresh else 1
        self._start = self._shared + fallback.num_uniforms
        self.num_uniforms = self._start + self._attempts * self._fresh

    def __call__(self, u: NDArray[np.float64], index: NDArray[np.int64] | None = None) -> Corners:
        """Shared numbers first, then those of the fallback, then those of each attempt.

        Args:
            u: ``(n, num_uniforms)`` in [0, 1), or more columns, which are left aside.
            index: ``(n,)`` index of each patch in the stream, handed on to ``draw``.
        """
        result = np.empty((3, len(u)), np.int64)
        left, done = np.arange(len(u)), 0
        while len(left) and done < self._attempts:
            # Few patches make several attempts at once, since a call costs more than its numbers.
            num = int(np.clip(_DRAWS_AT_ONCE // len(left), 1, self._attempts - done))
            corners = np.stack(self._attempt(u[left], _part(index, left), done, num))
            good = self._condition(Corners(*corners)).reshape(len(left), num)
            first, found = good.argmax(axis=1), good.any(axis=1)
            chosen = np.arange(len(left)) * num + first
            result[:, left[found]] = corners[:, chosen[found]]
            left, done = left[~found], done + num
        if len(left):
            numbers = u[left, self._shared : self._start]
            result[:, left] = np.stack(self._fallback(numbers, _part(index, left)))
        return Corners(*result)

    def _attempt(
        self, u: NDArray[np.float64], index: NDArray[np.int64] | None, done: int, num: int
    ) -> Corners:
        """Windows of the next ``num`` attempts, ``(n * num,)``, those of one patch in a row."""
        first = self._start + done * self._fresh
        numbers = np.empty((len(u), num, self._shared + self._fresh))
        end = self._kept + self._fresh
        numbers[:, :, : self._kept] = u[:, None, : self._kept]
        numbers[:, :, self._kept : end] = u[:, first : first + num * self._fresh].reshape(
            len(u), num, self._fresh
        )
        numbers[:, :, end:] = u[:, None, self._kept : self._shared]
        indices = None if index is None else np.repeat(index, num)
        return self._draw(numbers.reshape(len(u) * num, -1), indices)


def _part(index: NDArray[np.int64] | None, chosen: NDArray[np.int64]) -> NDArray[np.int64] | None:
    return None if index is None else index[chosen]
