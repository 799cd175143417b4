"""From a class name in ``study.yaml`` to a class index that can be drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import OptionError, SplitError, UnknownNameError
from rareseg.sampling.plan import PlanContext

__all__ = ["require_pixels", "resolve_class", "resolve_classes"]

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


def resolve_classes(
    names: Sequence[str] | None, context: PlanContext, *, plan: str, background: bool = False
) -> NDArray[np.int64]:
    """Class indices that a plan deals out, each with training pixels.

    Args:
        names: Class names, ``rarest`` among them; None for all classes with training pixels.
        context: Class names and class pixels.
        plan: Name of the plan, for messages.
        background: Whether None means the background too, which is the first class.

    Raises:
        UnknownNameError: A class does not exist.
        OptionError: A class is named twice.
        SplitError: A class has no training pixel, or none is left.
    """
    if names is None:
        found = np.flatnonzero(context.locations.class_pixels)
        found = found if background else found[found > 0]
        if len(found) == 0:
            raise SplitError(
                f"The plan '{plan}' needs training pixels of a class beside the background, but the training "
                "part has none; change the split."
            )
        return found
    classes = [resolve_class(name, context) for name in names]
    for number in classes:
        require_pixels(number, context, plan=plan)
        if classes.count(number) > 1:
            raise OptionError(
                f"The plan '{plan}' should name each class once, but '{context.class_names[number]}' is there "
                "twice; drop one."
            )
    return np.array(classes, np.int64)
