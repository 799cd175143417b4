"""The plan ``equal_samples``: as many patches that certainly hold each class.

Source: foil thesis, section 3.3.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rareseg.sampling.class_names import resolve_classes
from rareseg.sampling.plan import PLANS, Corners, Plan, PlanContext
from rareseg.sampling.plan_settings import PlanSettings
from rareseg.sampling.proportions import ProportionsPlan

__all__ = ["EqualSamplesPlan", "EqualSamplesSettings"]


class EqualSamplesSettings(PlanSettings):
    """Keys of the plan ``equal_samples``."""

    name: Literal["equal_samples"] = "equal_samples"
    classes: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Classes that get as many patches each; None takes all but the first that have training pixels."""


@PLANS.register("equal_samples")
class EqualSamplesPlan(Plan):
    """The same number of patches that certainly hold each class; other classes may be in them too.

    Equal Samples of the foil thesis (section 3.3, option 2, Table 3.3). It is `ProportionsPlan` with equal
    parts, so any stretch of patches has as many of each class, give or take six patches.

    Args:
        context: Regions, locations, patch size and class names.
        classes: Names of the classes, or None for all but the first that have training pixels.
    """

    SETTINGS: ClassVar[type[PlanSettings]] = EqualSamplesSettings
    NUM_UNIFORMS = ProportionsPlan.NUM_UNIFORMS
    NUM_KIND_UNIFORMS = ProportionsPlan.NUM_KIND_UNIFORMS

    def __init__(self, context: PlanContext, *, classes: tuple[str, ...] | None = None) -> None:
        found = resolve_classes(classes, context, plan="equal_samples")
        self._proportions = ProportionsPlan(
            context, shares={context.class_names[number]: 1.0 for number in found}
        )
        self.patch_size = context.patch_size
        self.planned = {}
        self.planned_patches = self._proportions.planned_patches

    @classmethod
    def build(cls, settings: PlanSettings, context: PlanContext) -> EqualSamplesPlan:
        """Make the plan from its settings.

        Raises:
            UnknownNameError: There is no such class.
            SplitError: A class has no training pixel.
            OptionError: A class is named twice.
        """
        assert isinstance(settings, EqualSamplesSettings)
        return cls(context, classes=settings.classes)

    def describe(self) -> str:
        """One line for logs and reports."""
        height, width = self.patch_size
        names = ", ".join(self.planned_patches)
        return f"equal_samples: {height} x {width} patches, as many that hold each of {names}"

    def draw(self, u: NDArray[np.float64], index: NDArray[np.int64] | None = None) -> Corners:
        """As `ProportionsPlan` does."""
        return self._proportions.draw(u, index)
