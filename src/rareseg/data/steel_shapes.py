"""Shapes of defects on a strip: how far each pixel is from the middle of a blob or of a line, over its outline."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Shape", "blob", "line"]


class Shape(NamedTuple):
    """Reach of the pixels of a part of the strip: 0 in the middle, 1 on the outline."""

    place: tuple[slice, slice]
    """Rows and columns of the strip; may be empty."""
    reach: NDArray[np.float64]
    """``(rows, cols)``."""
    offset: NDArray[np.float64]
    """Signed distance in pixels from the middle along the columns ``(rows, cols)``."""


def blob(
    rng: np.random.Generator,
    size: tuple[int, int],
    centre: tuple[float, float],
    *,
    area: float,
    aspect: float,
    irregularity: float,
) -> Shape:
    """A leaning ellipse with a wavy outline.

    Args:
        rng: Source of all randomness.
        size: Rows and columns of the strip.
        centre: Row and column.
        area: Pixels, about.
        aspect: Height over width.
        irregularity: Height of the outline's waves as a share of its radius.
    """
    wide = np.sqrt(area / np.pi / aspect)
    radii = np.array([wide * aspect, wide])
    place = _clip(size, centre, 1.8 * radii.max() + 2)
    rows, cols = _grid(place)
    lean = rng.normal(0, 0.25)
    y, x = rows - centre[0], cols - centre[1]
    v = (y * np.cos(lean) - x * np.sin(lean)) / radii[0]
    u = (x * np.cos(lean) + y * np.sin(lean)) / radii[1]
    angle = np.arctan2(v, u)
    orders = np.arange(2, 9)
    waves = rng.normal(0, irregularity / orders**1.1)
    outline = 1 + sum(
        height * np.cos(order * angle + start)
        for height, order, start in zip(waves, orders, rng.uniform(0, 2 * np.pi, orders.size), strict=True)
    )
    return Shape(place, np.hypot(u, v) / np.clip(outline, 0.45, 1.75), x)


def line(
    rng: np.random.Generator,
    size: tuple[int, int],
    top: tuple[float, float],
    *,
    length: float,
    half_width: float,
    lean: float,
) -> Shape:
    """A line down the rows that wavers and is pointed at both ends.

    Args:
        rng: Source of all randomness.
        size: Rows and columns of the strip.
        top: Row and column where it begins; it may begin above the strip and end below.
        length: Rows.
        half_width: Columns from the middle to the outline.
        lean: Columns a row.
    """
    rows = np.arange(max(0, int(top[0])), max(0, min(size[0], int(top[0] + length))))
    along = (rows - top[0]) / length
    phase, waves = rng.uniform(0, 2 * np.pi, 2), rng.uniform(0.3, 1.6, 2)
    middle = (
        top[1] + lean * (rows - top[0]) + 0.15 * half_width * np.sin(2 * np.pi * waves[0] * along + phase[0])
    )
    halves = half_width * (1 + 0.2 * np.sin(2 * np.pi * waves[1] * along + phase[1]))
    halves *= np.sqrt(np.clip(np.minimum(along, 1 - along) * length / (3 * half_width), 0.02, 1))
    if not rows.size:
        empty = np.zeros((0, 0))
        return Shape((slice(0, 0), slice(0, 0)), empty, empty)
    first = min(max(0, int(middle.min() - 2 * half_width)), size[1])
    cols = np.arange(first, max(first, min(size[1], int(middle.max() + 2 * half_width) + 2)))
    offset = cols[None, :] - middle[:, None]
    place = (slice(int(rows[0]), int(rows[-1]) + 1), slice(first, first + cols.size))
    return Shape(place, np.abs(offset) / halves[:, None], offset)


def _clip(size: tuple[int, int], centre: tuple[float, float], radius: float) -> tuple[slice, slice]:
    sides = []
    for middle, length in zip(centre, size, strict=True):
        first = min(max(0, int(middle - radius)), length)
        sides.append(slice(first, max(first, min(length, int(middle + radius) + 1))))
    return sides[0], sides[1]


def _grid(place: tuple[slice, slice]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows, cols = (np.arange(side.start, side.stop, dtype=np.float64) for side in place)
    return rows[:, None], cols[None, :]
