"""The plan ``batch_balanced``: every batch holds all classes and blank patches in equal share.

Source: Severstal report.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rareseg.errors import OptionError
from rareseg.sampling.blank_windows import BlankWindows
from rareseg.sampling.class_names import resolve_classes
from rareseg.sampling.pixel_windows import PixelWindows
from rareseg.sampling.plan import PLANS, Corners, Plan, PlanContext
from rareseg.sampling.plan_settings import PlanSettings

__all__ = ["BatchBalancedPlan", "BatchBalancedSettings"]


class BatchBalancedSettings(PlanSettings):
    """Keys of the plan ``batch_balanced``."""

    name: Literal["batch_balanced"] = "batch_balanced"
    classes: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Classes that take turns, ``rarest`` among them; null: all with training pixels but the background."""
    with_blank: bool = True
    """Whether patches that hold nothing but background take a turn too."""


@PLANS.register("batch_balanced")
class BatchBalancedPlan(Plan):
    """Classes and blank patches take turns, patch after patch.

    The report on surface defects composes each batch of all classes in equal proportion, the class without a
    defect included. Patch ``i`` of the stream is of kind ``i % n``: with a batch size that is a multiple of the
    ``n`` kinds every batch holds as many of each; otherwise numbers differ by one within a batch, the extra ones
    rotate from batch to batch, and over ``n`` batches all are equal. Patches of a class are drawn as in
    ``oversample`` and may hold other classes too; blank ones hold background and no other class.

    Args:
        context: Regions, locations, patch size, class names and batch size.
        classes: Which classes take turns; None for all with training pixels but the background.
        with_blank: Whether blank patches take a turn.
    """

    SETTINGS: ClassVar[type[PlanSettings]] = BatchBalancedSettings
    NUM_FRESH_UNIFORMS = 3
    FIXES_BLANK = True

    def __init__(
        self, context: PlanContext, *, classes: tuple[str, ...] | None = None, with_blank: bool = True
    ) -> None:
        self.patch_size = context.patch_size
        self.classes = resolve_classes(classes, context, plan="batch_balanced")
        self.names = [context.class_names[number] for number in self.classes]
        self.num_kinds = len(self.classes) + with_blank
        if context.batch_size is not None and context.batch_size < self.num_kinds:
            raise OptionError(
                f"The plan 'batch_balanced' should hold {self.num_kinds} kinds of patches in each batch, but "
                f"'batch_size' is {context.batch_size}; enlarge it or name fewer classes."
            )
        self.windows = PixelWindows(context)
        self.blank = (
            BlankWindows(context).drawer(asked_by="The plan 'batch_balanced'") if with_blank else None
        )
        self.NUM_UNIFORMS = 3 + (0 if self.blank is None else self.blank.num_uniforms)
        self.planned = {}
        self.planned_patches = dict.fromkeys(self.names, 1 / self.num_kinds)

    @classmethod
    def build(cls, settings: PlanSettings, context: PlanContext) -> BatchBalancedPlan:
        """Make the plan from its settings.

        Raises:
            UnknownNameError: A class does not exist.
            OptionError: The batch is smaller than the number of kinds, or a class is named twice.
            SplitError: A class has no training pixel, or no window is blank.
        """
        assert isinstance(settings, BatchBalancedSettings)
        return cls(context, classes=settings.classes, with_blank=settings.with_blank)

    def describe(self) -> str:
        """One line for logs and reports."""
        height, width = self.patch_size
        kinds = [*self.names, *(["blank patches"] if self.blank else [])]
        return f"batch_balanced: {height} x {width} patches, each batch of equal parts {', '.join(kinds)}"

    def draw(self, u: NDArray[np.float64], index: NDArray[np.int64] | None = None) -> Corners:
        """Kind from ``index``, a class pixel and its place from columns 0 to 2 of ``u``, blank windows from the
        rest."""
        assert index is not None, "batch_balanced follows the place in the batch"
        kind = index % self.num_kinds
        drawn = kind < len(self.classes)
        result = np.empty((3, len(u)), np.int64)
        result[:, drawn] = np.stack(self.windows.anywhere(self.classes[kind[drawn]], u[drawn, :3]))
        if self.blank is not None:
            result[:, ~drawn] = np.stack(self.blank(u[~drawn, 3:]))
        return Corners(*result)
