"""The plan ``foreground``: a share of the patches is centred on a pixel of a random class.

Source: nnU-Net, doi 10.1038/s41592-020-01008-z.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rareseg.sampling.class_names import resolve_classes
from rareseg.sampling.pixel_windows import PixelWindows
from rareseg.sampling.plan import PLANS, Corners, Plan, PlanContext
from rareseg.sampling.plan_settings import PlanSettings
from rareseg.sampling.uniform import UniformPlan

__all__ = ["ForegroundPlan", "ForegroundSettings"]


class ForegroundSettings(PlanSettings):
    """Keys of the plan ``foreground``."""

    name: Literal["foreground"] = "foreground"
    share: float = Field(default=0.33, gt=0, le=1)
    """Share of the patches that are centred on a pixel of a class; the rest is drawn uniformly."""
    classes: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Classes to centre on, ``rarest`` among them; null: all with training pixels but the background."""


@PLANS.register("foreground")
class ForegroundPlan(Plan):
    """A share of the patches is centred on a pixel of a class, classes alike; the rest is uniform.

    First the class is drawn, all equally likely however rare, then one of its pixels in the training regions;
    the patch has that pixel in the middle, unless it must be pushed into its region. nnU-Net (Isensee et al.,
    2021, https://doi.org/10.1038/s41592-020-01008-z) takes a third of its patches so; it draws the image first
    and then among the classes of that image, so there a class of few images comes as rarely as they do.

    Args:
        context: Regions, locations, patch size and class names.
        share: Share of the patches that are centred on a class.
        classes: Which classes; None for all with training pixels but the background.
    """

    SETTINGS: ClassVar[type[PlanSettings]] = ForegroundSettings
    NUM_UNIFORMS = 5
    NUM_KIND_UNIFORMS = 2

    def __init__(
        self, context: PlanContext, *, share: float = 0.33, classes: tuple[str, ...] | None = None
    ) -> None:
        self.patch_size = context.patch_size
        self.share = share
        self.classes = resolve_classes(classes, context, plan="foreground")
        self.names = [context.class_names[number] for number in self.classes]
        self.windows = PixelWindows(context)
        self.uniform = UniformPlan(context)
        self.planned = {}
        self.planned_patches = dict.fromkeys(self.names, share / len(self.names))

    @classmethod
    def build(cls, settings: PlanSettings, context: PlanContext) -> ForegroundPlan:
        """Make the plan from its settings.

        Raises:
            UnknownNameError: A class does not exist.
            OptionError: A class is named twice.
            SplitError: A class has no training pixel.
        """
        assert isinstance(settings, ForegroundSettings)
        return cls(context, share=settings.share, classes=settings.classes)

    def describe(self) -> str:
        """One line for logs and reports."""
        height, width = self.patch_size
        return (
            f"foreground: {height} x {width} patches, {self.share:.0%} centred on {', '.join(self.names)} alike, "
            "the rest uniform"
        )

    def draw(self, u: NDArray[np.float64], index: NDArray[np.int64] | None = None) -> Corners:
        """Centred or not from column 0 of ``u``, class from column 1, pixel from column 2."""
        drawn = u[:, 0] < self.share
        classes = self.classes[np.floor(u[drawn, 1] * len(self.classes)).astype(np.int64)]
        return self.uniform.draw(u[:, 2:5]).replaced(drawn, self.windows.centred(classes, u[drawn, 2]))
