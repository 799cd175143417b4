"""The plan ``oversample``: a given share of patches holds a given class for certain.

Source: foil thesis, section 3.3.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rareseg.errors import OptionError
from rareseg.sampling.class_shares import ClassShares
from rareseg.sampling.pixel_windows import PixelWindows
from rareseg.sampling.plan import PLANS, Corners, Plan, PlanContext
from rareseg.sampling.plan_settings import PlanSettings
from rareseg.sampling.uniform import UniformPlan

__all__ = ["OversamplePlan", "OversampleSettings"]


class OversampleSettings(PlanSettings):
    """Keys of the plan ``oversample``."""

    name: Literal["oversample"] = "oversample"
    shares: dict[str, Annotated[float, Field(gt=0, le=1)]] = Field(min_length=1)
    """Class name, or ``rarest``, and share of the patches that hold it for certain; what is left of 1 is drawn
    uniformly."""
    weight: Literal["positions", "pixels", "regions"] = "pixels"
    """How likely a region is for the uniform rest, as in the plan ``uniform``."""


@PLANS.register("oversample")
class OversamplePlan(Plan):
    """Shares of patches that hold each named class for certain; the rest is uniform.

    A pixel of the class is drawn, every one in the training regions equally likely, then the place of that
    pixel inside the patch, then the patch is pushed into its region, so that it still holds the pixel.

    The foil thesis (section 3.3) widens each defect by a square of the size of a patch, which gives all
    centres whose patch touches the defect, and drops centres nearer to the border than equation 3.3 allows,
    so that patches fit. Here the same patches can come, and pushing takes the part of the safe area: a defect
    at the border is not lost. The chances differ: the thesis draws centres alike, here a patch away from
    borders is as likely as the number of pixels of the class it holds, hence every pixel of the class is seen
    equally often. Oversampled Cavities is ``shares: {cavity: 1.0}``.

    Args:
        context: Regions, locations, patch size and class names.
        shares: Share of the patches for each class name; ``rarest`` is the class with the fewest pixels.
        weight: How likely a region is for the uniform rest, see `UniformSettings`.
    """

    SETTINGS: ClassVar[type[PlanSettings]] = OversampleSettings
    NUM_UNIFORMS = 4
    NUM_KIND_UNIFORMS = 1

    def __init__(self, context: PlanContext, *, shares: dict[str, float], weight: str = "pixels") -> None:
        self.patch_size = context.patch_size
        self.shares = ClassShares(shares, context, plan="oversample")
        self.windows = PixelWindows(context)
        self.uniform = UniformPlan(context, weight=weight)
        self.planned = {}
        self.planned_patches = dict(self.shares.names)

    @classmethod
    def build(cls, settings: PlanSettings, context: PlanContext) -> OversamplePlan:
        """Make the plan from its settings.

        Raises:
            UnknownNameError: A class of ``shares`` does not exist.
            OptionError: The shares sum to more than 1 or name a class twice, or ``weight`` is given where no
                patch is uniform.
            SplitError: A class has no training pixel.
        """
        assert isinstance(settings, OversampleSettings)
        plan = cls(context, shares=settings.shares, weight=settings.weight)
        if "weight" in settings.model_fields_set and plan.shares.rest == 0:
            raise OptionError(
                "The plan 'oversample' uses 'weight' for uniform patches, but its shares sum to 1 and leave "
                "none; drop 'weight' or lower a share."
            )
        return plan

    def describe(self) -> str:
        """One line for logs and reports."""
        parts = [f"{share:.0%} of patches hold {name}" for name, share in self.shares.names.items()]
        if self.shares.rest:
            parts.append(f"{self.shares.rest:.0%} are uniform")
        height, width = self.patch_size
        return f"oversample: {height} x {width} patches, {', '.join(parts)}"

    def draw(self, u: NDArray[np.float64], index: NDArray[np.int64] | None = None) -> Corners:
        """Class from column 0 of ``u``, pixel from column 1, its place in the patch from columns 2 and 3."""
        classes = self.shares.choose(u[:, 0])
        drawn = classes >= 0
        return self.uniform.draw(u[:, 1:4]).replaced(
            drawn, self.windows.anywhere(classes[drawn], u[drawn, 1:4])
        )
