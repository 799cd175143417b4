"""Which windows hold too many ignored or dark pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import OptionError
from rareseg.sampling.plan import Corners, PlanContext
from rareseg.sampling.plan_settings import DarkSettings, RefuseSettings
from rareseg.sampling.window_counts import WindowCounts, covered_pixels

__all__ = ["Refusal"]


class Refusal:
    """Judges windows by counts of ignored and dark pixels that are made once.

    Shares are of the pixels of the region that a window covers; what is mirrored outside a region is not
    counted.

    Args:
        settings: Which windows are refused.
        context: Regions, locations, patch size and, for dark pixels, images.

    Raises:
        OptionError: Dark pixels are to be refused, but there are no images to look at.
    """

    def __init__(self, settings: RefuseSettings, context: PlanContext) -> None:
        self.settings = settings
        self._context = replace(context, read_pixels=None)
        self._rules: list[tuple[float, WindowCounts]] = []
        if settings.ignored is not None:
            self._rules.append((settings.ignored, WindowCounts.of_ignored(context)))
        if settings.dark is not None:
            counts = WindowCounts(_dark_pixels(settings.dark, context), context.patch_size)
            self._rules.append((settings.dark.share, counts))

    def accepts(self, corners: Corners) -> NDArray[np.bool_]:
        """``(n,)``: the window is not refused."""
        covered = covered_pixels(corners, self._context)
        good = np.ones(len(corners.row), np.bool_)
        for share, counts in self._rules:
            good &= counts.count(corners) <= share * covered
        return good

    def describe(self) -> str:
        """A few words for logs and reports."""
        parts = []
        if self.settings.ignored is not None:
            parts.append(f"over {self.settings.ignored:.0%} ignored")
        if self.settings.dark is not None:
            parts.append(f"over {self.settings.dark.share:.0%} darker than {self.settings.dark.below:g}")
        return f"refused: {' or '.join(parts)}"


def _dark_pixels(settings: DarkSettings, context: PlanContext) -> Iterator[NDArray[np.bool_]]:
    read = context.read_pixels
    if read is None:
        raise OptionError("'refuse' should look at dark pixels, but no images are at hand here; drop 'dark'.")
    for number in range(len(context.regions)):
        yield np.asarray(read(number)).mean(axis=0) < settings.below
