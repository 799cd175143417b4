"""What a sampling plan is: a stateless function from uniform numbers to windows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rareseg.registry import Registry
from rareseg.sampling.class_locations import ClassLocations
from rareseg.sampling.plan_settings import PlanSettings
from rareseg.types import Region

__all__ = ["PLANS", "Corners", "Plan", "PlanContext"]


class Corners(NamedTuple):
    """Top-left corners of patches, each ``(n,)`` int64; rows and cols count from the region's own corner."""

    region_index: NDArray[np.int64]
    row: NDArray[np.int64]
    col: NDArray[np.int64]

    def replaced(self, chosen: NDArray[np.bool_], others: Corners) -> Corners:
        """These corners with ``others`` in the place of the ``(n,)`` chosen ones."""
        result = np.stack(self)
        result[:, chosen] = np.stack(others)
        return Corners(*result)


@dataclass(frozen=True)
class PlanContext:
    """What every plan may see: the training regions, their class pixels and the size of a patch.

    Attributes:
        regions: Training regions; ``region_index`` counts in this order.
        locations: Class pixels of the same regions in the same order.
        patch_size: Rows and columns of a patch.
        class_names: Names in the order of class indices.
        num_patches: Patches of the whole training, for plans that follow its progress; None where unknown.
        batch_size: Patches in a batch of all ranks together, for plans that follow the place in the batch.
        positive_class: The class that a one-vs-rest member looks for; None elsewhere.
        read_pixels: Number of a region to its image ``(c, h, w)``, for plans that look at brightness.
        acceptable: Which windows are not refused, for plans that look for windows themselves; None for all.
            Windows that do not meet it are drawn again in any case.
    """

    regions: Sequence[Region]
    locations: ClassLocations
    patch_size: tuple[int, int]
    class_names: tuple[str, ...]
    num_patches: int | None = None
    batch_size: int | None = None
    positive_class: int | None = None
    read_pixels: Callable[[int], NDArray[Any]] | None = None
    acceptable: Callable[[Corners], NDArray[np.bool_]] | None = None

    @cached_property
    def region_sizes(self) -> NDArray[np.int64]:
        """``(num_regions, 2)`` rows and columns of each region."""
        return np.array([region.window[2:] for region in self.regions], np.int64).reshape(-1, 2)


class Plan(ABC):
    """Chooses windows. A plan is built once and then never changes, so patch ``i`` needs no patch before it.

    A plan is final: it inherits from this class alone, and is registered in `PLANS` or wraps another plan.

    Attributes:
        SETTINGS: The keys that the plan takes in ``study.yaml``.
        NUM_UNIFORMS: Uniform numbers that one patch uses up.
        NUM_KIND_UNIFORMS: How many of them, counted from the first, choose what kind of patch it is, such as
            its class; a patch that is drawn again keeps these, so that the shares of kinds stay.
        NUM_FRESH_UNIFORMS: How many of those that follow a patch that is drawn again replaces; None for all.
        FIXES_BLANK: Whether the plan itself settles which patches are blank, so that ``blank`` is refused.
        patch_size: Rows and columns of a patch.
        planned: Expected share of each class among valid pixels; empty where the plan does not fix it.
        planned_patches: Smallest share of patches that hold the class for certain; empty where none do.
    """

    SETTINGS: ClassVar[type[PlanSettings]]
    NUM_UNIFORMS: int
    NUM_KIND_UNIFORMS: int = 0
    NUM_FRESH_UNIFORMS: int | None = None
    FIXES_BLANK: ClassVar[bool] = False
    patch_size: tuple[int, int]
    planned: dict[str, float]
    planned_patches: dict[str, float]

    @classmethod
    @abstractmethod
    def build(cls, settings: PlanSettings, context: PlanContext) -> Plan:
        """Make the plan; ``settings`` is of the class's own ``SETTINGS``."""

    @abstractmethod
    def describe(self) -> str:
        """One line for logs and reports."""

    def report(self) -> dict[str, Any]:
        """Figures about the plan itself for ``exposure.json``, such as how many distinct windows it has."""
        return {}

    @abstractmethod
    def draw(self, u: NDArray[np.float64], index: NDArray[np.int64] | None = None) -> Corners:
        """Turn uniform numbers into windows.

        Args:
            u: ``(n, NUM_UNIFORMS)`` in [0, 1).
            index: ``(n,)`` index of each patch in the stream, for plans that follow the place in the batch or
                the progress of training, which must have it; others leave it aside.
        """


PLANS: Registry[type[Plan]] = Registry("sampling plan")
"""Every plan by the name it has in ``study.yaml``."""
