"""Which windows hold nothing but background, and which hold something else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import SplitError
from rareseg.sampling.plan import Corners, PlanContext
from rareseg.sampling.redraw import Redraw
from rareseg.sampling.uniform import UniformPlan
from rareseg.sampling.window_counts import WindowCounts
from rareseg.sampling.window_pool import Condition, WindowPool

__all__ = ["BlankWindows"]


class BlankWindows:
    """Knows of every window whether it is blank: it holds background, the first class, and no other class.

    A window of ignored pixels alone is not blank.

    Args:
        context: Regions, locations and patch size.
    """

    def __init__(self, context: PlanContext) -> None:
        self._context = context
        self._foreground = WindowCounts.of_classes(range(1, len(context.class_names)), context)
        self._background = WindowCounts.of_classes([0], context) if _has_ignored(context) else None

    def is_blank(self, corners: Corners) -> NDArray[np.bool_]:
        """``(n,)``: only background."""
        blank = ~self.holds_foreground(corners)
        return blank if self._background is None else blank & (self._background.count(corners) > 0)

    def holds_foreground(self, corners: Corners) -> NDArray[np.bool_]:
        """``(n,)``: a pixel of a class that is not the background."""
        return np.asarray(self._foreground.count(corners) > 0)

    def drawer(self, *, asked_by: str, acceptable: Condition | None = None) -> Redraw:
        """Draw blank windows, regions by area and then all positions that are blank alike.

        Args:
            asked_by: What needs them, for the message.
            acceptable: What else they must meet.

        Raises:
            SplitError: No window is blank and acceptable.
        """

        def condition(corners: Corners) -> NDArray[np.bool_]:
            blank = self.is_blank(corners)
            return blank if acceptable is None else blank & acceptable(corners)

        pool = WindowPool(self._context, condition)
        if len(pool) == 0:
            height, width = self._context.patch_size
            raise SplitError(
                f"{asked_by} needs windows of {height} x {width} pixels that hold only background, but the "
                "training part has none; take smaller patches or drop it."
            )
        uniform = UniformPlan(self._context)
        return Redraw(uniform.draw, num=uniform.NUM_UNIFORMS, condition=condition, fallback=pool)


def _has_ignored(context: PlanContext) -> bool:
    return context.locations.num_valid < sum(region.window.area for region in context.regions)
