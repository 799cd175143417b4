"""The plan ``equal_pixels``: windows chosen such that training sees as many pixels of each rare class.

Source: foil thesis, section 3.3.
"""

from __future__ import annotations

import time
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rareseg.errors import OptionError
from rareseg.sampling.class_names import resolve_classes
from rareseg.sampling.equal_windows import choose_equal_windows
from rareseg.sampling.even_draw import EvenDraw
from rareseg.sampling.integral_counts import IntegralCounts
from rareseg.sampling.pixel_repeats import pixel_repeats
from rareseg.sampling.plan import PLANS, Corners, Plan, PlanContext
from rareseg.sampling.plan_settings import PlanSettings

__all__ = ["EqualPixelsPlan", "EqualPixelsSettings"]

_PATCHES = 1000


class EqualPixelsSettings(PlanSettings):
    """Keys of the plan ``equal_pixels``."""

    name: Literal["equal_pixels"] = "equal_pixels"
    classes: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Classes to be equal; None takes all but the first that have training pixels."""
    include_background: bool = False
    """Whether the first class is to be equal too, which is refused with a proof where no mixture gets there."""
    tolerance: Annotated[float, Field(gt=0)] = 0.1
    """Largest over smallest total of pixels, minus 1."""
    stride: Annotated[int, Field(ge=1)] | None = None
    """Pixels from one window of the grid to the next; None takes a sixteenth of the patch, or more where that
    gives over 125 000 windows."""
    overlap: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Largest part of a chosen window that another chosen one may cover; 1 allows any."""
    max_windows_per_image: Annotated[int, Field(ge=1)] | None = None
    """Most windows chosen from an image; None sets no limit."""
    image_share: Annotated[float, Field(ge=0, lt=1)] = 0.25
    """Least part of an even share of the patches that comes from every image with one of the classes, and its
    inverse is the most; unless given, it is halved until equal pixels allow it."""


@PLANS.register("equal_pixels")
class EqualPixelsPlan(Plan):
    """Windows weighted such that the pixel totals of the rare classes are equal.

    Equal Pixels of the foil thesis (section 3.3, Table 3.5), which sampled windows until the totals were within
    10 % and needed 50 to 70 minutes for 26 images. Here a linear programme weighs all windows of a grid, of
    which every class's pixels are known from `IntegralCounts`, so that expected totals are equal; of all such
    mixtures it takes the one that spreads the patches over most windows and leaves out no image. The totals of
    every ``period`` patches then keep within the tolerance too, see `EvenDraw`: which part of the windows a
    patch comes from is the same for all seeds, which window of that part is not.

    The thesis saw over-fitting with this set: few windows hold a scarce class without a flood of the others,
    and they come again and again. `report` says how often; more distinct ones come with a smaller ``stride``.

    Args:
        context: Regions, locations, patch size and class names.
        classes: Names of the classes to be equal, or None; see `EqualPixelsSettings` for this and the rest.
        include_background: Whether the first class is one of them.
        tolerance: Largest over smallest total, minus 1.
        stride: Pixels between windows of the grid.
        overlap: Largest part that two windows share.
        max_windows_per_image: Most windows of an image.
        image_share: Least part of an even share for every image; None halves 0.25 as often as needed.

    Raises:
        UnknownNameError: There is no such class.
        SplitError: A class has no training pixel.
        OptionError: A class is named twice, there are fewer than two, or they cannot be equal; the message says
            how near they can come.
    """

    SETTINGS: ClassVar[type[PlanSettings]] = EqualPixelsSettings
    NUM_UNIFORMS = 1

    def __init__(
        self,
        context: PlanContext,
        *,
        classes: tuple[str, ...] | None = None,
        include_background: bool = False,
        tolerance: float = 0.1,
        stride: int | None = None,
        overlap: float = 1.0,
        max_windows_per_image: int | None = None,
        image_share: float | None = None,
    ) -> None:
        self.patch_size = context.patch_size
        self.classes = _class_indices(context, classes, include_background=include_background)
        samples = [region.sample for region in context.regions]
        started = time.perf_counter()
        counts = IntegralCounts(context.locations, context.regions)
        chosen = choose_equal_windows(
            counts,
            samples,
            [context.class_names[number] for number in self.classes],
            self.classes,
            patch_size=context.patch_size,
            tolerance=tolerance,
            stride=stride,
            overlap=overlap,
            most_per_image=max_windows_per_image,
            image_share=image_share,
        )
        self.grid, self.weights = chosen.grid, chosen.weights
        self._draw = EvenDraw(self.weights, self.grid.counts[:, self.classes], tolerance=tolerance)
        self.period = self._draw.period
        if self._draw.reached > tolerance:
            raise OptionError(
                f"The plan 'equal_pixels' should keep totals within {tolerance:g} over {self.period} patches, but "
                f"reaches {self._draw.reached:.2g}; set a larger 'tolerance'."
            )
        pixels = self.weights @ self.grid.counts
        names = context.class_names
        self.planned = dict(zip(names, (pixels / pixels.sum()).tolist(), strict=True))
        held = np.minimum(self.weights @ (self.grid.counts > 0), 1.0)
        self.planned_patches = {
            name: share for name, share in zip(names, held.tolist(), strict=True) if share > 0
        }
        self._report = self._figures(context, counts, samples, pixels)
        self._report["candidates"] = chosen.num_candidates
        self._report["seconds"] = time.perf_counter() - started

    @classmethod
    def build(cls, settings: PlanSettings, context: PlanContext) -> EqualPixelsPlan:
        """Make the plan from its settings."""
        assert isinstance(settings, EqualPixelsSettings)
        keys = {
            key: getattr(settings, key) for key in settings.model_fields_set - set(PlanSettings.model_fields)
        }
        return cls(context, **keys)

    def describe(self) -> str:
        """One line for logs and reports."""
        height, width = self.patch_size
        names = [list(self.planned)[number] for number in self.classes]
        return (
            f"equal_pixels: {height} x {width} patches, as many pixels of {', '.join(names)}, from "
            f"{len(self.grid)} windows of {len(self._report['windows_per_image'])} images, equal within "
            f"{self._draw.reached:.1%} over {self.period} patches"
        )

    def report(self) -> dict[str, Any]:
        """Figures about the chosen windows.

        Returns:
            ``candidates`` windows of the grid that hold one of the classes; ``windows`` that were chosen;
            ``effective_windows``, 1 over the chance that two patches are the same window; ``windows_per_image``
            and ``patches_per_image`` (a share) of every image with one of the classes; ``pixels_per_patch`` of
            each of them; ``equality``, largest over smallest of these minus 1; ``period``, and
            ``equality_of_a_period`` that three standard deviations keep to; ``repeats`` of the pixels of each
            class over 1000 patches: ``mean``, ``most``, and ``never``, the share that is in no window;
            ``seconds`` that making the plan took.
        """
        return dict(self._report)

    def draw(self, u: NDArray[np.float64], index: NDArray[np.int64] | None = None) -> Corners:
        """Part of the windows from the index, window in it from column 0 of ``u``."""
        found = self._draw.choose(u[:, 0], index)
        return Corners(self.grid.region[found], self.grid.row[found], self.grid.col[found])

    def _figures(
        self, context: PlanContext, counts: IntegralCounts, samples: list[str], pixels: NDArray[np.float64]
    ) -> dict[str, Any]:
        repeats = pixel_repeats(counts, self.grid, self.weights, patch_size=self.patch_size)
        windows: dict[str, int] = {}
        shares: dict[str, float] = {}
        for region, weight in zip(self.grid.region.tolist(), self.weights.tolist(), strict=True):
            windows[samples[region]] = windows.get(samples[region], 0) + 1
            shares[samples[region]] = shares.get(samples[region], 0.0) + weight
        names = {number: context.class_names[number] for number in self.classes}
        return {
            "windows": len(self.grid),
            "effective_windows": float(1 / np.square(self.weights).sum()),
            "windows_per_image": windows,
            "patches_per_image": shares,
            "pixels_per_patch": {name: float(pixels[number]) for number, name in names.items()},
            "equality": float(pixels[self.classes].max() / pixels[self.classes].min() - 1),
            "period": self.period,
            "equality_of_a_period": self._draw.reached,
            "repeats": {
                name: {
                    "mean": float(repeats.mean[number] * _PATCHES),
                    "most": float(repeats.most[number] * _PATCHES),
                    "never": float(repeats.never[number]),
                }
                for number, name in names.items()
            },
        }


def _class_indices(
    context: PlanContext, classes: tuple[str, ...] | None, *, include_background: bool
) -> list[int]:
    found = resolve_classes(classes, context, plan="equal_pixels").tolist()
    chosen = sorted({*found, *([0] if include_background else [])})
    if len(chosen) < 2:
        raise OptionError(
            "The plan 'equal_pixels' makes two or more classes equal, but there is only "
            f"'{context.class_names[chosen[0]]}'; name more in 'classes', or take the plan 'oversample'."
        )
    return chosen
