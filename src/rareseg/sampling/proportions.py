"""The plan ``proportions``: patches that certainly hold each class, in given proportions.

Source: foil thesis, section 3.3.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rareseg.errors import OptionError
from rareseg.sampling.class_names import require_pixels, resolve_class
from rareseg.sampling.even_draw import even_kinds
from rareseg.sampling.oversample import OversamplePlan
from rareseg.sampling.plan import PLANS, Corners, Plan, PlanContext
from rareseg.sampling.plan_settings import PlanSettings

__all__ = ["ProportionsPlan", "ProportionsSettings"]


class ProportionsSettings(PlanSettings):
    """Keys of the plan ``proportions``."""

    name: Literal["proportions"] = "proportions"
    shares: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(min_length=1)
    """Class name, or ``rarest``, and its part of the patches; scaled to sum 1, so 1 and 3 are a quarter and three
    quarters."""


@PLANS.register("proportions")
class ProportionsPlan(Plan):
    """Patches that certainly hold each class, in given proportions, and no others.

    Option 1 of section 3.3 of the foil thesis. A sample of a class is what it is there: a patch that certainly,
    but not exclusively, holds the class. That goes for the background too: its patches hold a pixel of it,
    every one equally likely, which is nearly the same as patches from anywhere, and does not mean that they are
    free of defects.

    Patches are drawn as `OversamplePlan` draws them, but which class a patch is for follows from its index:
    any stretch of patches has the proportions, give or take six patches. The order of classes is the
    same for all seeds; pixels and places are not.

    Args:
        context: Regions, locations, patch size and class names.
        shares: Part of the patches for each class name, any positive numbers.
    """

    SETTINGS: ClassVar[type[PlanSettings]] = ProportionsSettings
    NUM_UNIFORMS = OversamplePlan.NUM_UNIFORMS
    NUM_KIND_UNIFORMS = OversamplePlan.NUM_KIND_UNIFORMS

    def __init__(self, context: PlanContext, *, shares: dict[str, float]) -> None:
        parts: dict[str, float] = {}
        for given, part in shares.items():
            number = resolve_class(given, context)
            name = context.class_names[number]
            if name in parts:
                raise OptionError(
                    f"The shares of the plan 'proportions' name class '{name}' twice; give it one share."
                )
            require_pixels(number, context, plan="proportions")
            parts[name] = part
        total = sum(parts.values())
        self._oversample = OversamplePlan(
            context, shares={name: part / total for name, part in parts.items()}
        )
        self.patch_size = context.patch_size
        self.planned = {}
        self.planned_patches = self._oversample.planned_patches

    @classmethod
    def build(cls, settings: PlanSettings, context: PlanContext) -> ProportionsPlan:
        """Make the plan from its settings.

        Raises:
            UnknownNameError: There is no such class.
            SplitError: A class has no training pixel.
            OptionError: A class is named twice.
        """
        assert isinstance(settings, ProportionsSettings)
        return cls(context, shares=settings.shares)

    def describe(self) -> str:
        """One line for logs and reports."""
        height, width = self.patch_size
        parts = [f"{share:.0%} hold {name}" for name, share in self.planned_patches.items()]
        return f"proportions: {height} x {width} patches, of which {', '.join(parts)}"

    def draw(self, u: NDArray[np.float64], index: NDArray[np.int64] | None = None) -> Corners:
        """Class from the index, or from column 0 of ``u`` without one; the rest as `OversamplePlan` does."""
        if index is not None:
            u = np.column_stack([even_kinds(index), u[:, 1:]])
        return self._oversample.draw(u)
