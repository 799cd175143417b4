"""A plan under the rules of ``blank`` and ``refuse``."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import OptionError, SplitError
from rareseg.sampling.blank_windows import BlankWindows
from rareseg.sampling.pixel_windows import PixelWindows
from rareseg.sampling.plan import PLANS, Corners, Plan, PlanContext
from rareseg.sampling.plan_settings import BlankSettings, PlanSettings
from rareseg.sampling.redraw import Redraw
from rareseg.sampling.refusal import Refusal
from rareseg.sampling.window_pool import WindowPool

__all__ = ["RuledPlan"]

_FOREGROUND_ATTEMPTS = 4


class RuledPlan(Plan):
    """Draws from another plan until a patch meets the rules, and blank patches in their share beside it.

    With ``blank`` a patch is blank with the chance asked for: it holds background, the first class, and no other
    class, and is drawn uniformly. All other patches are the plan's that hold a pixel of another class. With
    ``refuse`` both sorts are drawn again while they hold too many ignored or dark pixels. A plan that chooses a
    kind of patch, such as a class, keeps the kind while it draws again.

    Where sixteen draws fail, the patch is taken around a pixel of a random class other than the background
    (where the rules want one), and where that fails too, from the windows of a grid that meet the rules. So the
    rules always hold, while what the plan promises about classes holds but for these patches.

    Args:
        plan: Draws the patches.
        blank: How many patches are blank; None: as the plan draws them.
        refusal: Which patches are refused; None for none.
        context: What the plan was built from.
    """

    SETTINGS: ClassVar[type[PlanSettings]] = PlanSettings

    def __init__(
        self, plan: Plan, *, blank: BlankSettings | None, refusal: Refusal | None, context: PlanContext
    ) -> None:
        self.plan = plan
        self.patch_size = plan.patch_size
        self.refusal = refusal
        self.num_patches = context.num_patches
        self.shares = None if blank is None else (blank.share, blank.share if blank.to is None else blank.to)
        windows = None if self.shares is None else BlankWindows(context)
        asked_by = "'blank' with 'refuse'" if refusal else "'blank'"
        self.blank = (
            windows.drawer(asked_by=asked_by)
            if windows is not None and self.shares is not None and max(self.shares) > 0
            else None
        )
        self.rest = (
            _Rest(plan, windows, refusal, context).draw
            if self.shares is None or min(self.shares) < 1
            else None
        )
        drawers = [drawer.num_uniforms for drawer in (self.blank, self.rest) if drawer is not None]
        self.NUM_UNIFORMS = max(drawers) + (self.shares is not None)
        self.planned = {}
        self.planned_patches = {}
        if self.shares is not None and refusal is None:
            self.planned_patches = _promise(plan, self.shares, context.class_names[0])

    @classmethod
    def build(cls, settings: PlanSettings, context: PlanContext) -> RuledPlan:
        """Make the plan that the settings name, and put it under its rules.

        Raises:
            OptionError: ``blank`` goes from one share to another, but the length of training is unknown;
                the plan settles blank patches itself; or ``refuse`` looks at brightness without images.
            SplitError: No window meets the rules.
        """
        plan, blank, refuse = PLANS[settings.name], settings.blank, settings.refuse
        if blank is not None and plan.FIXES_BLANK:
            raise OptionError(
                f"The plan '{settings.name}' settles itself how many patches are blank, so 'blank' has no effect; "
                "drop it or take another plan."
            )
        if blank is not None and blank.to is not None and context.num_patches is None:
            raise OptionError(
                "'blank' should go from one share to another over the training, but its length is not known "
                "here; drop 'to'."
            )
        refusal = None if refuse is None else Refusal(refuse, context)
        if refusal is not None:
            context = replace(context, acceptable=refusal.accepts)
        return cls(plan.build(settings, context), blank=blank, refusal=refusal, context=context)

    def describe(self) -> str:
        """One line for logs and reports."""
        parts = [self.plan.describe()]
        if self.shares is not None:
            start, end = self.shares
            change = (
                f" falling to {end:.0%}" if end < start else f" rising to {end:.0%}" if end > start else ""
            )
            parts.append(f"{start:.0%} of patches blank{change}, all others hold a class")
        if self.refusal is not None:
            parts.append(self.refusal.describe())
        return "; ".join(parts)

    def draw(self, u: NDArray[np.float64], index: NDArray[np.int64] | None = None) -> Corners:
        """Blank or not from column 0 of ``u``, where blank patches have a share."""
        if self.shares is None:
            assert self.rest is not None
            return self.rest(u, index)
        is_blank = u[:, 0] < self._share(index)
        result = np.empty((3, len(u)), np.int64)
        for drawer, chosen in ((self.blank, is_blank), (self.rest, ~is_blank)):
            if drawer is not None:
                part = None if index is None else index[chosen]
                result[:, chosen] = np.stack(drawer(u[chosen, 1:], part))
        return Corners(*result)

    def _share(self, index: NDArray[np.int64] | None) -> NDArray[np.float64] | float:
        """Chance of each patch to be blank, in a straight line from the first to the last patch of training."""
        assert self.shares is not None
        start, end = self.shares
        if start == end:
            return start
        assert index is not None and self.num_patches is not None, "an annealed share follows the progress"
        progress = np.minimum(index / max(1, self.num_patches - 1), 1.0)
        return np.asarray(start + (end - start) * progress, np.float64)


class _Rest:
    """Draws from the plan what meets the rules.

    Raises:
        SplitError: No window does.
    """

    def __init__(
        self, plan: Plan, windows: BlankWindows | None, refusal: Refusal | None, context: PlanContext
    ) -> None:
        self._windows, self._refusal = windows, refusal
        pool = WindowPool(context, self._meets)
        if len(pool) == 0:
            rules = [
                *(["that holds a class beside the background"] if windows is not None else []),
                *(["that is not refused"] if refusal is not None else []),
            ]
            raise SplitError(
                f"Sampling needs a window {' and '.join(rules)}, but the training part has none; loosen the "
                "rules or change the split."
            )
        fallback: Redraw | WindowPool = pool
        if windows is not None:
            self._classes = np.flatnonzero(context.locations.class_pixels[1:]) + 1
            self._around = PixelWindows(context)
            fallback = Redraw(
                self._any_class,
                num=4,
                condition=self._meets,
                fallback=pool,
                attempts=_FOREGROUND_ATTEMPTS,
            )
        self.draw = Redraw(
            plan.draw,
            num=plan.NUM_UNIFORMS,
            kept=plan.NUM_KIND_UNIFORMS,
            fresh=plan.NUM_FRESH_UNIFORMS,
            condition=self._meets,
            fallback=fallback,
        )

    def _meets(self, corners: Corners) -> NDArray[np.bool_]:
        """``(n,)``: the window holds a class, if one is wanted, and is not refused."""
        good = np.ones(len(corners.row), np.bool_)
        if self._windows is not None:
            good &= self._windows.holds_foreground(corners)
        if self._refusal is not None:
            good &= self._refusal.accepts(corners)
        return good

    def _any_class(self, u: NDArray[np.float64], index: NDArray[np.int64] | None = None) -> Corners:
        """A window around a pixel of a class that is not the background, classes alike."""
        chosen = self._classes[np.floor(u[:, 0] * len(self._classes)).astype(np.int64)]
        return self._around.anywhere(chosen, u[:, 1:4])


def _promise(plan: Plan, shares: tuple[float, float], background: str) -> dict[str, float]:
    """What the plan promises of classes but the background, for the smallest share of patches left to it.

    To draw again until some class is there makes no class rarer: patches that hold it are never refused.
    """
    left = 1 - max(shares)
    promised = {name: left * share for name, share in plan.planned_patches.items() if name != background}
    return promised if left > 0 else {}
