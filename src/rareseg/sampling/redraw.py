"""Drawing again until a window will do, as a pure function of the numbers of one patch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rareseg.sampling.plan import Corners
from rareseg.sampling.window_pool import Condition

__all__ = ["Redraw"]

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
        condition: Which windows will do.
        fallback: Windows that will do for certain, such as a `WindowPool`, or another `Redraw`.
        attempts: Draws at most; where all numbers are kept, one.

    Attributes:
        num_uniforms: Numbers that a patch uses up.
    """

    def __init__(
        self,
        draw: Draw,
        *,
        num: int,
        kept: int = 0,
        condition: Condition,
        fallback: _Fallback,
        attempts: int = 16,
    ) -> None:
        self._draw, self._condition, self._fallback = draw, condition, fallback
        self._kept, self._fresh = kept, num - kept
        self._attempts = attempts if self._fresh else 1
        self._start = kept + fallback.num_uniforms
        self.num_uniforms = self._start + self._attempts * self._fresh

    def __call__(self, u: NDArray[np.float64], index: NDArray[np.int64] | None = None) -> Corners:
        """Kept numbers first, then those of the fallback, then those of each attempt.

        Args:
            u: ``(n, num_uniforms)`` in [0, 1), or more columns, which are left aside.
            index: ``(n,)`` index of each patch in the stream, handed on to ``draw``.
        """
        result = np.empty((3, len(u)), np.int64)
        left = np.arange(len(u))
        for attempt in range(self._attempts):
            first = self._start + attempt * self._fresh
            numbers = np.concatenate([u[left, : self._kept], u[left, first : first + self._fresh]], axis=1)
            corners = self._draw(numbers, _part(index, left))
            good = self._condition(corners)
            result[:, left[good]] = np.stack(corners)[:, good]
            left = left[~good]
            if len(left) == 0:
                return Corners(*result)
        result[:, left] = np.stack(self._fallback(u[left, self._kept : self._start], _part(index, left)))
        return Corners(*result)


def _part(index: NDArray[np.int64] | None, chosen: NDArray[np.int64]) -> NDArray[np.int64] | None:
    return None if index is None else index[chosen]
