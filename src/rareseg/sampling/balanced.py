"""The plan ``balanced``: a class is in a given share of the patches and in no other.

Source: foil thesis, section 3.4.1.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rareseg.errors import OptionError, SplitError
from rareseg.sampling.class_shares import ClassShares
from rareseg.sampling.pixel_windows import PixelWindows
from rareseg.sampling.plan import PLANS, Corners, Plan, PlanContext
from rareseg.sampling.plan_settings import PlanSettings
from rareseg.sampling.redraw import Redraw
from rareseg.sampling.uniform import UniformPlan
from rareseg.sampling.window_counts import WindowCounts
from rareseg.sampling.window_pool import WindowPool

__all__ = ["BalancedPlan", "BalancedSettings"]

_DEFAULT_SHARE = 0.5


class BalancedSettings(PlanSettings):
    """Keys of the plan ``balanced``."""

    name: Literal["balanced"] = "balanced"
    shares: dict[str, Annotated[float, Field(gt=0, lt=1)]] | None = Field(default=None, min_length=1)
    """Class name, or ``rarest``, and share of the patches that hold it; all other patches hold none of the
    named classes. null, only in a one-vs-rest member: half of the patches hold the member's class."""


@PLANS.register("balanced")
class BalancedPlan(Plan):
    """The named classes are in their shares of the patches, and certainly not in the others.

    Binary Balanced of the foil thesis (section 3.4.1): a one-vs-rest member trains on patches of which half
    hold its class. Patches that hold a class are drawn as in ``oversample``. The others are drawn uniformly and
    again while they hold a named class, by counts made once; where sixteen draws fail, a window without the
    classes is taken from a grid. With one class its share is exact; with several, a patch of one may hold
    another too, so the shares are the least.

    Args:
        context: Regions, locations, patch size, class names, and the member's class if there is one.
        shares: Share of the patches for each class name; None for 0.5 of the member's class.
    """

    SETTINGS: ClassVar[type[PlanSettings]] = BalancedSettings
    NUM_KIND_UNIFORMS = 1
    NUM_FRESH_UNIFORMS = 3
    FIXES_BLANK = True

    def __init__(self, context: PlanContext, *, shares: dict[str, float] | None = None) -> None:
        self.patch_size = context.patch_size
        self.shares = ClassShares(_default(context) if shares is None else shares, context, plan="balanced")
        if self.shares.rest == 0:
            raise OptionError(
                "The shares of the plan 'balanced' should leave patches without the classes, but sum to 1; "
                "lower a share or take the plan 'oversample'."
            )
        self.windows = PixelWindows(context)
        self._counts = WindowCounts.of_classes(self.shares.classes.tolist(), context)
        self._acceptable = context.acceptable
        pool = WindowPool(context, self._is_free)
        if len(pool) == 0:
            height, width = context.patch_size
            raise SplitError(
                f"The plan 'balanced' needs windows of {height} x {width} pixels without "
                f"{' and '.join(self.shares.names)}, but the training part has none; take smaller patches."
            )
        uniform = UniformPlan(context)
        self.others = Redraw(uniform.draw, num=uniform.NUM_UNIFORMS, condition=self._is_free, fallback=pool)
        self.NUM_UNIFORMS = 4 + self.others.num_uniforms
        self.planned = {}
        self.planned_patches = dict(self.shares.names)

    @classmethod
    def build(cls, settings: PlanSettings, context: PlanContext) -> BalancedPlan:
        """Make the plan from its settings.

        Raises:
            UnknownNameError: A class of ``shares`` does not exist.
            OptionError: The shares sum to 1 or more or name a class twice, or are left out where no
                one-vs-rest member trains.
            SplitError: A class has no training pixel, or every window holds one of the classes.
        """
        assert isinstance(settings, BalancedSettings)
        return cls(context, shares=settings.shares)

    def describe(self) -> str:
        """One line for logs and reports."""
        parts = [f"{share:.0%} of patches hold {name}" for name, share in self.shares.names.items()]
        height, width = self.patch_size
        return (
            f"balanced: {height} x {width} patches, {', '.join(parts)}, "
            f"{self.shares.rest:.0%} hold no {' and no '.join(self.shares.names)}"
        )

    def draw(self, u: NDArray[np.float64], index: NDArray[np.int64] | None = None) -> Corners:
        """Kind from column 0 of ``u``, a class pixel and its place from columns 1 to 3, other windows from the
        rest."""
        classes = self.shares.choose(u[:, 0])
        drawn = classes >= 0
        result = np.empty((3, len(u)), np.int64)
        result[:, drawn] = np.stack(self.windows.anywhere(classes[drawn], u[drawn, 1:4]))
        result[:, ~drawn] = np.stack(self.others(u[~drawn, 4:]))
        return Corners(*result)

    def _is_free(self, corners: Corners) -> NDArray[np.bool_]:
        """``(n,)``: the window holds none of the classes and is not refused."""
        free = np.asarray(self._counts.count(corners) == 0)
        return free if self._acceptable is None else free & self._acceptable(corners)


def _default(context: PlanContext) -> dict[str, float]:
    if context.positive_class is None:
        raise OptionError(
            "The plan 'balanced' should name its classes under 'shares', but none came; only in a one-vs-rest "
            "member they may be left out. Write shares: {class: 0.5}."
        )
    return {context.class_names[context.positive_class]: _DEFAULT_SHARE}
