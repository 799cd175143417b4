"""The plan ``rarity``: the rarer a class, the more patches hold it.

Source: after arXiv 2111.14887, in another form.
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

__all__ = ["RarityPlan", "RaritySettings"]


class RaritySettings(PlanSettings):
    """Keys of the plan ``rarity``."""

    name: Literal["rarity"] = "rarity"
    temperature: float = Field(default=0.5, ge=0, le=4)
    """Power of the inverse frequency: 0 draws all classes alike, 0.5 by the inverse square root of their
    pixels, 1 by the inverse."""
    classes: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Classes to draw from, ``rarest`` among them; null: all with training pixels, background included."""


@PLANS.register("rarity")
class RarityPlan(Plan):
    """A class is drawn with a chance proportional to (1 / frequency) ** temperature, then a patch that holds it.

    Frequency is the share of training pixels. Patches of a class are drawn as in ``oversample``; no patch is
    drawn without a class, and one of the background may hold others.

    Rare class sampling of DAFormer (arXiv 2111.14887, section 3.3) has the same purpose with another form,
    softmax((1 - frequency) / T). It parts classes that fill some tenths of the pixels; slivers of 1 : 1000 and
    1 : 100 000 have nearly the same 1 - frequency, and at its T of 0.01 it draws them alike within a tenth. The
    power form parts slivers too and is taken here for that.

    Args:
        context: Regions, locations, patch size and class names.
        temperature: Power of the inverse frequency.
        classes: Which classes; None for all with training pixels.
    """

    SETTINGS: ClassVar[type[PlanSettings]] = RaritySettings
    NUM_UNIFORMS = 4
    NUM_KIND_UNIFORMS = 1

    def __init__(
        self, context: PlanContext, *, temperature: float = 0.5, classes: tuple[str, ...] | None = None
    ) -> None:
        self.patch_size = context.patch_size
        self.temperature = temperature
        self.classes = resolve_classes(classes, context, plan="rarity", background=True)
        pixels = context.locations.class_pixels[self.classes]
        chances = (pixels.min() / pixels) ** temperature
        self.bounds = np.cumsum(chances / chances.sum())
        self.bounds[-1] = 1.0
        self.windows = PixelWindows(context)
        names = [context.class_names[number] for number in self.classes]
        self.planned = {}
        self.planned_patches = dict(zip(names, (chances / chances.sum()).tolist(), strict=True))

    @classmethod
    def build(cls, settings: PlanSettings, context: PlanContext) -> RarityPlan:
        """Make the plan from its settings.

        Raises:
            UnknownNameError: A class does not exist.
            OptionError: A class is named twice.
            SplitError: A class has no training pixel.
        """
        assert isinstance(settings, RaritySettings)
        return cls(context, temperature=settings.temperature, classes=settings.classes)

    def describe(self) -> str:
        """One line for logs and reports."""
        height, width = self.patch_size
        shares = ", ".join(f"{name} {share:.0%}" for name, share in self.planned_patches.items())
        return f"rarity: {height} x {width} patches, temperature {self.temperature:g}: {shares}"

    def draw(self, u: NDArray[np.float64], index: NDArray[np.int64] | None = None) -> Corners:
        """Class from column 0 of ``u``, pixel from column 1, its place in the patch from columns 2 and 3."""
        classes = self.classes[np.searchsorted(self.bounds, u[:, 0], side="right")]
        return self.windows.anywhere(classes, u[:, 1:4])
