"""How near the pixel totals of classes can come in any mixture of windows, with a proof that anyone can check."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import OptionError

__all__ = ["EqualityBound", "equality_bound"]

_ROUNDING = 1e-9
_FIRST_WINDOWS = 2000


@dataclass(frozen=True, eq=False)
class EqualityBound:
    """In every mixture, the largest class total is at least ``ratio`` times the smallest.

    The proof is a pair of non-negative multipliers ``p`` (``scarce``, summing to ``ratio``) and ``q``
    (``plenty``, summing to 1) with ``p . a <= q . a`` for the class pixels ``a`` of every window. Totals ``t``
    of a mixture are sums of windows, so

        ratio * min(t) <= p . t <= q . t <= max(t),

    whatever solver found the multipliers: `holds` compares them with every window.

    Attributes:
        ratio: At least 1; infinite where a class is in no window.
        scarce: ``(k,)`` multipliers ``p``: the classes that run short.
        plenty: ``(k,)`` multipliers ``q``: the classes that come along with them.
    """

    ratio: float
    scarce: NDArray[np.float64]
    plenty: NDArray[np.float64]

    def holds(self, counts: NDArray[np.integer]) -> bool:
        """Whether the multipliers prove the ratio for windows with these ``(n, k)`` class pixels."""
        signs = bool((self.scarce >= 0).all() and (self.plenty >= 0).all())
        least, most = counts @ self.scarce, counts @ self.plenty
        if np.isinf(self.ratio):
            return signs and self.scarce.sum() > 0 and not least.any()
        sums = [self.scarce.sum(), self.plenty.sum()]
        return (
            signs
            and bool(np.allclose(sums, [self.ratio, 1], rtol=_ROUNDING))
            and bool((least <= most * (1 + _ROUNDING)).all())
        )


def equality_bound(counts: NDArray[np.integer]) -> EqualityBound:
    """Find the smallest ratio of largest to smallest class total that a mixture of windows can have.

    The linear programme over mixtures, "every total between 1 and r, r as small as possible", has the dual
    "p and q as in `EqualityBound`, sum of p as large as possible", which is the one solved here, by HiGHS. Its
    answer is then scaled down until no window breaks the proof, so that rounding cannot.

    Args:
        counts: ``(n, k)`` pixels of the classes in each window.

    Raises:
        OptionError: The solver gave up.

    Example:
        >>> bound = equality_bound(np.array([[90, 10, 0], [50, 0, 10], [60, 2, 2]]))
        >>> round(bound.ratio, 6), bound.plenty.tolist()
        (14.0, [1.0, 0.0, 0.0])
    """
    from scipy.optimize import linprog

    num_classes = counts.shape[1]
    absent = counts.sum(axis=0) == 0
    if absent.any():
        return EqualityBound(np.inf, absent.astype(np.float64), np.full(num_classes, 1 / num_classes))
    distinct = np.unique(counts[counts.any(axis=1)], axis=0)
    scaled = distinct / distinct.max(axis=1, keepdims=True)
    # The multipliers that some windows allow, and then the windows that break them, until none does.
    used = np.zeros(len(scaled), np.bool_)
    used[:: max(1, len(scaled) // _FIRST_WINDOWS)] = True
    used[np.argmax(scaled / scaled.sum(axis=1, keepdims=True), axis=0)] = True
    while True:
        found = linprog(
            np.repeat([-1.0, 0.0], num_classes),
            A_ub=np.hstack([scaled[used], -scaled[used]]),
            b_ub=np.zeros(used.sum()),
            A_eq=np.repeat([[0.0, 1.0]], num_classes, axis=1),
            b_eq=[1.0],
            method="highs",
        )
        if found.x is None:
            raise OptionError(
                f"The bound on equal pixels should be found by the solver, but it says '{found.message}'; "
                "take a coarser 'stride'."
            )
        broken = scaled @ found.x[:num_classes] - scaled @ found.x[num_classes:]
        breaking = np.flatnonzero((broken > _ROUNDING) & ~used)
        if len(breaking) == 0:
            break
        used[breaking[np.argsort(-broken[breaking])[:_FIRST_WINDOWS]]] = True
    scarce, plenty = np.maximum(found.x, 0).reshape(2, -1)
    plenty /= plenty.sum()
    least, most = distinct @ scarce, distinct @ plenty
    scarce *= (most[least > 0] / least[least > 0]).min()
    # Equal multipliers prove a ratio of 1 for any windows.
    if scarce.sum() < 1:
        scarce = plenty
    return EqualityBound(float(scarce.sum()), scarce, plenty)
