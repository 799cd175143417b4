"""Which windows hold nothing but background, and which hold something else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import SplitError
from rareseg.sampling.plan import Corners, PlanContext
from rareseg.sampling.redraw import Redraw
from rareseg.sampling.uniform import UniformPlan
from rareseg.sampling.window_counts import WindowCounts, covered_pixels
from rareseg.sampling.window_pool import WindowPool

__all__ = ["BlankWindows"]


class BlankWindows:
    """Knows of every window whether it is blank: it holds background, the first class, and no other class.

    A window of ignored pixels alone is not blank.

    Args:
        context: Regions, locations and patch size.
    """

    def __init__(self, context: PlanContext) -> None:
        # Nothing reads pixels from here on; a plan goes to other processes and should carry no store along.
        self._context = replace(context, read_pixels=None)
        self._foreground = WindowCounts.of_classes(range(1, len(context.class_names)), context)
        self._ignored = WindowCounts.of_ignored(context)

    def is_blank(self, corners: Corners) -> NDArray[np.bool_]:
        """``(n,)``: only background."""
        labelled = self._ignored.count(corners) < covered_pixels(corners, self._context)
        return np.asarray(labelled & ~self.holds_foreground(corners))

    def holds_foreground(self, corners: Corners) -> NDArray[np.bool_]:
        """``(n,)``: a pixel of a class that is not the background."""
        return np.asarray(self._foreground.count(corners) > 0)

    def drawer(self, *, asked_by: str) -> Redraw:
        """Draw blank windows that are not refused: a region by its area, then all such positions in it alike.

        Args:
            asked_by: What needs them, for the message.

        Raises:
            SplitError: No window is blank and acceptable.
        """
        pool = WindowPool(self._context, self._is_acceptable)
        if len(pool) == 0:
            height, width = self._context.patch_size
            raise SplitError(
                f"{asked_by} needs windows of {height} x {width} pixels that hold only background, but the "
                "training part has none; take smaller patches or drop it."
            )
        uniform = UniformPlan(self._context)
        return Redraw(uniform.draw, num=uniform.NUM_UNIFORMS, condition=self._is_acceptable, fallback=pool)

    def _is_acceptable(self, corners: Corners) -> NDArray[np.bool_]:
        """``(n,)``: the window is blank and not refused."""
        blank, acceptable = self.is_blank(corners), self._context.acceptable
        return blank if acceptable is None else blank & acceptable(corners)
