"""A plan that draws from some of the training regions only."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import SplitError, UnknownNameError
from rareseg.sampling.class_locations import ClassLocations
from rareseg.sampling.plan import PLANS, Corners, Plan, PlanContext
from rareseg.sampling.plan_settings import LeaveOutSettings, PlanSettings
from rareseg.sampling.ruled_plan import RuledPlan

__all__ = ["LeaveOutPlan"]


class LeaveOutPlan(Plan):
    """Builds the plan on the regions that are left, and gives its windows the numbers of all regions.

    Args:
        plan: Built on the regions that are left.
        kept: ``(n,)`` number of each region that is left, among all.
        num_regions: How many there are in all.
    """

    SETTINGS: ClassVar[type[PlanSettings]] = PlanSettings

    def __init__(self, plan: Plan, kept: NDArray[np.int64], *, num_regions: int) -> None:
        self.plan = plan
        self.kept = kept
        self.num_regions = num_regions
        self.patch_size = plan.patch_size
        self.NUM_UNIFORMS = plan.NUM_UNIFORMS
        self.NUM_KIND_UNIFORMS = plan.NUM_KIND_UNIFORMS
        self.planned = plan.planned
        self.planned_patches = plan.planned_patches

    @classmethod
    def build(cls, settings: PlanSettings, context: PlanContext) -> LeaveOutPlan:
        """Make the plan that the settings name on the regions that are left.

        Raises:
            UnknownNameError: No training region is of a sample that is to be left out.
            SplitError: No region is left, or the plan finds too little in those that are.
        """
        assert settings.leave_out is not None
        kept = _kept_regions(settings.leave_out, context)
        rules = settings.blank is not None or settings.refuse is not None
        plan = RuledPlan if rules else PLANS[settings.name]
        return cls(plan.build(settings, _restrict(context, kept)), kept, num_regions=len(context.regions))

    def describe(self) -> str:
        """One line for logs and reports."""
        return f"{self.plan.describe()}; {self.num_regions - len(self.kept)} of {self.num_regions} regions left out"

    def draw(self, u: NDArray[np.float64], index: NDArray[np.int64] | None = None) -> Corners:
        """As the plan draws."""
        corners = self.plan.draw(u, index)
        return corners._replace(region_index=self.kept[corners.region_index])


def _kept_regions(settings: LeaveOutSettings, context: PlanContext) -> NDArray[np.int64]:
    samples = {region.sample for region in context.regions}
    for name in settings.samples:
        if name not in samples:
            raise UnknownNameError("training sample", name, samples)
    keep = np.array([region.sample not in settings.samples for region in context.regions], np.bool_)
    if settings.blank:
        holds = np.zeros(len(keep), np.bool_)
        for number in range(1, len(context.class_names)):
            holds[context.locations.runs(number).region] = True
        keep &= holds
    if not keep.any():
        raise SplitError(
            f"'leave_out' should leave a training region to draw from, but leaves none of {len(keep)}; name fewer "
            "samples or drop 'blank'."
        )
    kept = np.flatnonzero(keep)
    if not np.isin(context.locations.run_region, kept).any():
        raise SplitError(
            "'leave_out' should leave labelled pixels to draw from, but all pixels left are ignored; name fewer "
            "samples."
        )
    return kept


def _restrict(context: PlanContext, kept: NDArray[np.int64]) -> PlanContext:
    """The same context with some regions only, numbered anew."""
    read = context.read_pixels
    return replace(
        context,
        regions=tuple(context.regions[number] for number in kept),
        locations=_take_regions(context.locations, kept),
        read_pixels=None if read is None else lambda number: read(int(kept[number])),
    )


def _take_regions(locations: ClassLocations, kept: NDArray[np.int64]) -> ClassLocations:
    chosen = np.isin(locations.run_region, kept)
    lengths = np.diff(locations.run_offset)[chosen]
    return ClassLocations(
        class_names=locations.class_names,
        widths=locations.widths[kept],
        run_region=np.searchsorted(kept, locations.run_region[chosen]).astype(np.int32),
        run_start=locations.run_start[chosen],
        run_offset=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        first_run=np.concatenate([[0], np.cumsum(chosen)])[locations.first_run].astype(np.int64),
    )
