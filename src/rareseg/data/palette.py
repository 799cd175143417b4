"""Colours of classes that have none of their own: apart for colour-blind readers too."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

__all__ = ["BACKGROUND_COLOR", "Rgb", "fill_colors"]

Rgb = tuple[int, int, int]

BACKGROUND_COLOR: Rgb = (232, 232, 232)
"""Colour of the first class where it has none."""

# Okabe and Ito's set (https://jfly.uni-koeln.de/color/), then the darker half of Paul Tol's muted scheme.
_COLORS: tuple[Rgb, ...] = (
    (213, 94, 0),
    (86, 180, 233),
    (0, 158, 115),
    (230, 159, 0),
    (0, 114, 178),
    (204, 121, 167),
    (240, 228, 66),
    (0, 0, 0),
    (136, 34, 85),
    (51, 34, 136),
    (153, 153, 51),
    (17, 119, 51),
    (170, 68, 153),
    (68, 170, 153),
)


def fill_colors(colors: Sequence[Rgb | None]) -> tuple[Rgb, ...]:
    """Give every class without a colour one that no other class has.

    The first 15 come from palettes made for colour-blind readers; later ones step round the colour wheel.

    Args:
        colors: Colours in the order of class indices, None where the user gave none.

    Example:
        >>> fill_colors([None, (213, 94, 0), None])
        ((232, 232, 232), (213, 94, 0), (86, 180, 233))
    """
    taken = {color for color in colors if color is not None}
    filled: list[Rgb] = []
    for index, color in enumerate(colors):
        if color is None:
            color = BACKGROUND_COLOR if index == 0 and BACKGROUND_COLOR not in taken else _next_free(taken)
            taken.add(color)
        filled.append(color)
    return tuple(filled)


def _next_free(taken: set[Rgb]) -> Rgb:
    for color in _COLORS:
        if color not in taken:
            return color
    number = 0
    while True:
        # Steps of the golden ratio never meet an earlier hue; three brightnesses keep neighbours apart.
        hue = number * 0.6180339887498949 % 1
        red, green, blue = colorsys.hsv_to_rgb(hue, 0.75, (0.9, 0.55, 0.72)[number % 3])
        found = (round(red * 255), round(green * 255), round(blue * 255))
        if found not in taken:
            return found
        number += 1
