"""The eight ways to flip and turn an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["TRANSFORMS", "Box", "Transform"]


class Box(NamedTuple):
    """A rectangle as shares (0 to 1) of an image's height and width."""

    top: float
    bottom: float
    left: float
    right: float


@dataclass(frozen=True)
class Transform:
    """Rows and columns exchanged first, then each axis reversed or not.

    Example:
        >>> TRANSFORMS["rotate_90"](np.array([[1, 2], [3, 4]])).tolist()
        [[2, 4], [1, 3]]
        >>> TRANSFORMS["rotate_90"].box(Box(0.0, 0.25, 0.0, 1.0))
        Box(top=0.0, bottom=1.0, left=0.0, right=0.25)
    """

    name: str
    inverse: str
    exchange: bool
    flip_rows: bool
    flip_cols: bool

    def __call__(self, images: NDArray[Any]) -> NDArray[Any]:
        """Apply it to the last two axes."""
        turned = np.swapaxes(images, -1, -2) if self.exchange else images
        return turned[..., :: -1 if self.flip_rows else 1, :: -1 if self.flip_cols else 1]

    def box(self, box: Box) -> Box:
        """Where a rectangle of the image comes to lie."""
        top, bottom, left, right = box
        if self.exchange:
            top, bottom, left, right = left, right, top, bottom
        if self.flip_rows:
            top, bottom = 1 - bottom, 1 - top
        if self.flip_cols:
            left, right = 1 - right, 1 - left
        return Box(top, bottom, left, right)


TRANSFORMS: dict[str, Transform] = {
    name: Transform(name, inverse, *flags)
    for name, inverse, flags in (
        ("identity", "identity", (False, False, False)),
        ("flip_rows", "flip_rows", (False, True, False)),
        ("flip_cols", "flip_cols", (False, False, True)),
        ("rotate_90", "rotate_270", (True, True, False)),
        ("rotate_180", "rotate_180", (False, True, True)),
        ("rotate_270", "rotate_90", (True, False, True)),
        ("transpose", "transpose", (True, False, False)),
        ("anti_transpose", "anti_transpose", (True, True, True)),
    )
}
"""By name; ``flip_rows`` turns upside down, rotations are counter-clockwise."""
