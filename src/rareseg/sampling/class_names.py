"""From a class name in ``study.yaml`` to a class index that can be drawn."""

from __future__ import annotations

import numpy as np

from rareseg.errors import SplitError, UnknownNameError
from rareseg.sampling.plan import PlanContext

__all__ = ["require_pixels", "resolve_class"]

_RAREST = "rarest"


def resolve_class(name: str, context: PlanContext) -> int:
    """Index of a class by its name, or of the rarest one.

    Args:
        name: A class name, or ``rarest``: the class with the fewest training pixels among those that have
            any, unless a class bears that name.
        context: Class names and class pixels.

    Raises:
        UnknownNameError: There is no such class.

    Example:
        >>> from rareseg.sampling.class_locations import ClassLocations
        >>> locations = ClassLocations.from_masks([np.array([[0, 0, 1, 2, 2]], np.uint8)], "abcd")
        >>> context = PlanContext((), locations, (1, 1), ("a", "b", "c", "d"))
        >>> resolve_class("c", context), resolve_class("rarest", context)
        (2, 1)
    """
    if name in context.class_names:
        return context.class_names.index(name)
    if name == _RAREST:
        pixels = context.locations.class_pixels
        return int(np.argmin(np.where(pixels > 0, pixels, np.iinfo(np.int64).max)))
    raise UnknownNameError("class", name, [*context.class_names, _RAREST])


def require_pixels(class_index: int, context: PlanContext, *, plan: str) -> None:
    """Refuse a class that cannot be drawn.

    Raises:
        SplitError: The class has no training pixel.
    """
    if context.locations.class_pixels[class_index] == 0:
        raise SplitError(
            f"The plan '{plan}' needs training pixels of class '{context.class_names[class_index]}', but the "
            "training part has none; change the split or leave the class out of the plan."
        )
