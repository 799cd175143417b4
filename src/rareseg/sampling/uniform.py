"""The plan ``uniform``: patches from anywhere, as a baseline takes them.

Source: foil thesis, section 3.2.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rareseg.sampling.plan import PLANS, Corners, Plan, PlanContext
from rareseg.sampling.plan_settings import PlanSettings

__all__ = ["UniformPlan", "UniformSettings"]


class UniformSettings(PlanSettings):
    """Keys of the plan ``uniform``."""

    name: Literal["uniform"] = "uniform"
    weight: Literal["positions", "pixels", "regions"] = "pixels"
    """How likely a region is. pixels: by its area. positions: by its number of patch positions, so every
    position of every region is equally likely, which all but leaves out regions hardly larger than a patch
    where others are much larger. regions: all alike."""


@PLANS.register("uniform")
class UniformPlan(Plan):
    """Every position of a patch within a region is equally likely.

    Along each axis the patch stays inside a region that is larger than it. In a smaller region the patch
    reaches outside, and all positions that keep the whole region inside the patch are equally likely.
    Regions are drawn by their area unless ``weight`` says otherwise.

    Args:
        context: Regions, locations and patch size.
        weight: How likely each region is, see `UniformSettings`.
    """

    SETTINGS: ClassVar[type[PlanSettings]] = UniformSettings
    NUM_UNIFORMS = 3

    def __init__(self, context: PlanContext, *, weight: str = "pixels") -> None:
        self.patch_size = context.patch_size
        self.weight = weight
        sizes = context.region_sizes
        spare = sizes - np.array(self.patch_size)
        self.first = np.minimum(spare, 0)
        self.places = np.abs(spare) + 1
        weights = {
            "positions": self.places.prod(axis=1),
            "pixels": sizes.prod(axis=1),
            "regions": np.ones(len(sizes), np.int64),
        }[weight]
        self.bounds = np.cumsum(weights)
        self.planned = _expected_shares(context, self.places, weights / weights.sum())
        self.planned_patches = {}

    @classmethod
    def build(cls, settings: PlanSettings, context: PlanContext) -> UniformPlan:
        """Make the plan from its settings."""
        assert isinstance(settings, UniformSettings)
        return cls(context, weight=settings.weight)

    def describe(self) -> str:
        """One line for logs and reports."""
        height, width = self.patch_size
        by = {
            "positions": "every position equally likely",
            "pixels": "regions by area",
            "regions": "regions alike",
        }
        return f"uniform: {height} x {width} patches from {len(self.places)} regions, {by[self.weight]}"

    def draw(self, u: NDArray[np.float64], index: NDArray[np.int64] | None = None) -> Corners:
        """Region from column 0, row from column 1, col from column 2 of ``u``."""
        ticket = np.floor(u[:, 0] * self.bounds[-1]).astype(np.int64)
        region = np.searchsorted(self.bounds, ticket, side="right")
        corner = self.first[region] + np.floor(u[:, 1:3] * self.places[region]).astype(np.int64)
        return Corners(region, corner[:, 0], corner[:, 1])


def _expected_shares(
    context: PlanContext, places: NDArray[np.int64], chance: NDArray[np.float64]
) -> dict[str, float]:
    """Share of each class among the valid pixels of a patch drawn uniformly, exactly.

    Pixels near the border of a region lie in fewer patches; a run is summed by the difference of two values
    of ``covered``, so no mask is read again.
    """
    locations, (height, width) = context.locations, context.patch_size
    rows = np.array([region.window.height for region in context.regions], np.int64)
    per_place = chance / places.prod(axis=1)

    def covered(region: NDArray[np.int64], flat: NDArray[np.int64]) -> NDArray[np.int64]:
        """Patch positions, summed over the pixels of the region before ``flat``."""
        columns = locations.widths[region]
        row, col = np.divmod(flat, columns)
        above = _coverage_before(row, rows[region], height)
        line = _coverage_before(row + 1, rows[region], height) - above
        whole, part = (_coverage_before(end, columns, width) for end in (columns, col))
        return above * whole + line * part

    expected = np.zeros(len(context.class_names))
    for number in range(len(context.class_names)):
        region, start, length = locations.runs(number)
        visits = covered(region, start + length) - covered(region, start)
        expected[number] = (visits * per_place[region]).sum()
    return dict(zip(context.class_names, (expected / expected.sum()).tolist(), strict=True))


def _coverage_before(position: NDArray[np.int64], size: NDArray[np.int64], patch: int) -> NDArray[np.int64]:
    """Along one axis: how many patch positions cover each pixel, summed over pixels before ``position``."""
    places = size - patch + 1

    def ramp(reach: NDArray[np.int64]) -> NDArray[np.int64]:
        inside = np.clip(reach, 0, places)
        return np.asarray(inside * (inside + 1) // 2 + places * np.maximum(reach - places, 0))

    larger = ramp(position) - ramp(position - patch)
    return np.asarray(np.where(places >= 1, larger, (patch - size + 1) * position))
