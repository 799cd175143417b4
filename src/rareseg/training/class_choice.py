"""Which classes a setting means: names, and the words that stand for classes of any dataset."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from rareseg.errors import OptionError, UnknownNameError

__all__ = ["choose_classes"]

_RARE, _RAREST = "rare", "rarest"


def choose_classes(
    names: Sequence[str], *, class_names: Sequence[str], class_pixels: ArrayLike | None
) -> tuple[int, ...]:
    """Turn names into class indices, in rising order and each once.

    Args:
        names: Class names; ``rare`` stands for every class but the most frequent one and ``rarest`` for the one
            with the fewest pixels, both among classes that have training pixels. A class of such a name goes
            before the word.
        class_names: Names in the order of class indices.
        class_pixels: Training pixels of each class. Without them the first class counts as the most frequent
            one, as ``dataset.yaml`` has the background first, and ``rarest`` cannot be told.

    Raises:
        UnknownNameError: A name is no class.
        OptionError: ``rarest`` came without ``class_pixels``.

    Example:
        >>> choose_classes(["rare"], class_names=["background", "cavity", "crack"], class_pixels=[90, 0, 10])
        (2,)
    """
    chosen: set[int] = set()
    for name in names:
        if name in class_names:
            chosen.add(list(class_names).index(name))
        elif name == _RARE:
            chosen.update(_rare(len(class_names), class_pixels))
        elif name == _RAREST:
            if class_pixels is None:
                raise OptionError(
                    "To tell the rarest class its training pixels are needed, but none came; "
                    "give `class_pixels` or a class name."
                )
            pixels = np.asarray(class_pixels)
            chosen.add(int(np.argmin(np.where(pixels > 0, pixels, np.iinfo(np.int64).max))))
        else:
            raise UnknownNameError("class", name, class_names)
    return tuple(sorted(chosen))


def _rare(num_classes: int, class_pixels: ArrayLike | None) -> set[int]:
    if class_pixels is None:
        return set(range(1, num_classes))
    pixels = np.asarray(class_pixels)
    return {int(index) for index in np.flatnonzero(pixels)} - {int(np.argmax(pixels))}
