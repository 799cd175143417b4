"""From the ``sampling`` key of ``study.yaml`` to a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from rareseg.config.load import parse_settings
from rareseg.errors import OptionError, SplitError

# Importing a plan's file registers it.
from rareseg.sampling import balanced as _balanced  # noqa: F401
from rareseg.sampling import batch_balanced as _batch_balanced  # noqa: F401
from rareseg.sampling import equal_pixels as _equal_pixels  # noqa: F401
from rareseg.sampling import equal_samples as _equal_samples  # noqa: F401
from rareseg.sampling import foreground as _foreground  # noqa: F401
from rareseg.sampling import oversample as _oversample  # noqa: F401
from rareseg.sampling import proportions as _proportions  # noqa: F401
from rareseg.sampling import rarity as _rarity  # noqa: F401
from rareseg.sampling import uniform as _uniform  # noqa: F401
from rareseg.sampling.class_locations import ClassLocations
from rareseg.sampling.leave_out import LeaveOutPlan
from rareseg.sampling.plan import PLANS, Plan, PlanContext
from rareseg.sampling.ruled_plan import RuledPlan
from rareseg.types import Region

__all__ = ["PLANS", "build_plan"]


def build_plan(
    settings: Mapping[str, Any] | str,
    *,
    regions: Sequence[Region],
    locations: ClassLocations,
    patch_size: tuple[int, int],
    class_names: Sequence[str],
    num_patches: int | None = None,
    batch_size: int | None = None,
    positive_class: int | None = None,
    read_pixels: Callable[[int], NDArray[Any]] | None = None,
) -> Plan:
    """Build the plan that ``settings`` names.

    Args:
        settings: The name alone, such as ``"uniform"``, or a mapping with the key ``name`` and the plan's own
            keys, such as ``{"name": "oversample", "shares": {"cavity": 1.0}}``, and those that every plan
            takes, see `PlanSettings`.
        regions: Training regions in the order of ``locations``.
        locations: Class pixels of the training regions.
        patch_size: Rows and columns of a patch, in pixels.
        class_names: Names in the order of class indices.
        num_patches: Patches of the whole training, where a setting follows its progress.
        batch_size: Patches in a batch of all ranks together, where a plan follows the place in the batch.
        positive_class: The class that a one-vs-rest member looks for.
        read_pixels: Number of a region to its image ``(c, h, w)``, where a setting looks at brightness.

    Raises:
        UnknownNameError: There is no such plan, or it names a class that does not exist.
        ConfigError: A key is unknown or has a wrong value.
        OptionError: The name is missing, the patch has no area, or a setting cannot take effect.
        SplitError: There is no training region, a class that the plan needs has no training pixel, or no window
            meets the rules.

    Example:
        >>> import numpy as np
        >>> from rareseg.types import Window
        >>> regions = [Region("a", Window(0, 0, 4, 8))]
        >>> locations = ClassLocations.from_masks([np.zeros((4, 8), np.uint8)], ["background"])
        >>> plan = build_plan(
        ...     "uniform", regions=regions, locations=locations, patch_size=(2, 2), class_names=["background"]
        ... )
        >>> plan.describe()
        'uniform: 2 x 2 patches from 1 regions, regions by area'
    """
    keys: Mapping[str, Any] = {"name": settings} if isinstance(settings, str) else settings
    name = keys.get("name") if isinstance(keys, Mapping) else None
    if not isinstance(name, str):
        raise OptionError(
            f"Sampling should be the name of a plan or keys with 'name', but {settings!r} came; "
            f"choose one of: {', '.join(PLANS)}."
        )
    plan = PLANS[name]
    if min(patch_size) < 1:
        raise OptionError(
            f"A patch has at least 1 x 1 pixels, but patch_size is {tuple(patch_size)}; enlarge it."
        )
    if not regions:
        raise SplitError("Sampling needs training regions, but the training part is empty; change the split.")
    if locations.num_valid == 0:
        raise SplitError(
            "Sampling needs labelled pixels, but all training pixels are ignored; check the masks."
        )
    context = PlanContext(
        regions=tuple(regions),
        locations=locations,
        patch_size=(patch_size[0], patch_size[1]),
        class_names=tuple(class_names),
        num_patches=num_patches,
        batch_size=batch_size,
        positive_class=positive_class,
        read_pixels=read_pixels,
    )
    parsed = parse_settings(plan.SETTINGS, keys, where="sampling")
    if parsed.leave_out is not None:
        return LeaveOutPlan.build(parsed, context)
    if parsed.blank is not None or parsed.refuse is not None:
        return RuledPlan.build(parsed, context)
    return plan.build(parsed, context)
