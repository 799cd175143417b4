"""From shares by class name to shares by class index, checked."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import OptionError
from rareseg.sampling.class_names import require_pixels, resolve_class
from rareseg.sampling.plan import PlanContext

__all__ = ["ClassShares"]

_ROUNDING = 1e-9


class ClassShares:
    """Shares of patches for some classes; what is left of 1 is the rest.

    Args:
        shares: Class name, or ``rarest``, and share.
        context: Class names and class pixels.
        plan: Name of the plan, for messages.

    Attributes:
        classes: ``(n,)`` class indices.
        names: Their names.
        rest: What the shares leave of 1; exactly 0 where only rounding is left.

    Raises:
        UnknownNameError: A class does not exist.
        OptionError: The shares sum to more than 1 or name a class twice.
        SplitError: A class has no training pixel.
    """

    def __init__(self, shares: Mapping[str, float], context: PlanContext, *, plan: str) -> None:
        found: dict[int, float] = {}
        for name, share in shares.items():
            number = resolve_class(name, context)
            if number in found:
                raise OptionError(
                    f"The shares of the plan '{plan}' name class '{context.class_names[number]}' twice; "
                    "give it one share."
                )
            require_pixels(number, context, plan=plan)
            found[number] = share
        total = sum(shares.values())
        if total > 1 + _ROUNDING:
            raise OptionError(
                f"The shares of the plan '{plan}' should sum to at most 1, but sum to {total:g}; lower them."
            )
        self.classes = np.array(list(found), np.int64)
        self.names = {context.class_names[number]: share for number, share in found.items()}
        self.bounds = np.cumsum(list(found.values()))
        if abs(total - 1) <= _ROUNDING:
            self.bounds[-1] = 1.0
        self.rest = float(1 - self.bounds[-1])

    def choose(self, u: NDArray[np.float64]) -> NDArray[np.int64]:
        """``(n,)`` uniform numbers to class indices; -1 for the rest."""
        return np.append(self.classes, -1)[np.searchsorted(self.bounds, u, side="right")]
