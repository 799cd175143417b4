"""Relief of single foil defects, each drawn from a random generator around position (0, 0)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Stamp",
    "draw_agglomeration",
    "draw_cavity",
    "draw_crack",
    "draw_scratch",
    "draw_stain",
    "draw_trail",
]

FOOTPRINT_LEVEL = 0.12
"""A defect's footprint is where its relief exceeds this share of its own peak."""

Array = NDArray[np.float32]


class Stamp(NamedTuple):
    """One defect on a small grid: ``(row, col)`` is the grid's corner relative to the defect."""

    row: int
    col: int
    relief: Array
    """Change of height ``(h, w)`` in pixels."""
    albedo: Array
    """Factor on the albedo ``(h, w)``."""
    footprint: NDArray[np.bool_]
    """Pixels that belong to the defect ``(h, w)``."""

    def shifted(self, row: int, col: int) -> Stamp:
        """The same defect moved by whole pixels."""
        return self._replace(row=self.row + row, col=self.col + col)


def draw_agglomeration(rng: np.random.Generator, *, strength: float, radius: float | None = None) -> Stamp:
    """Excess material: a lumpy dome of irregular outline."""
    from scipy.ndimage import gaussian_filter

    radius = radius or float(np.clip(rng.lognormal(np.log(7.0), 0.5), 2.5, 26))
    reach = _blob_distance(rng, radius, irregularity=0.3)
    dome = _dome(reach)
    lumps = gaussian_filter(rng.standard_normal(reach.shape, dtype=np.float32), 1.5) * 5.3
    lumpiness = rng.uniform(0.05, 0.3)
    relief = 0.15 * radius * strength * dome * (1 + lumpiness * lumps)
    tint = rng.normal(0.0, 0.05)
    return _blob_stamp(relief, 1 + tint * dome, dome)


def draw_cavity(rng: np.random.Generator, *, strength: float) -> Stamp:
    """A small-diameter pore with a faintly raised rim; light is lost in it."""
    radius = float(np.clip(rng.lognormal(np.log(2.2), 0.25), 1.5, 4.5))
    reach = _blob_distance(rng, radius, irregularity=0.12)
    bowl = _dome(reach)
    rim = np.exp(-(((reach - 1.25) / 0.3) ** 2))
    relief = radius * strength * (0.08 * rim - 0.65 * bowl)
    return _blob_stamp(relief, 1 - rng.uniform(0.04, 0.18) * bowl, bowl)


def draw_stain(rng: np.random.Generator) -> Stamp:
    """A soft patch of other albedo and no relief: not a defect."""
    reach = _blob_distance(rng, float(rng.uniform(8, 40)), irregularity=0.25)
    patch = _dome(reach)
    tint = rng.choice([-1.0, 1.0]) * rng.uniform(0.04, 0.14)
    return _blob_stamp(0 * reach, 1 + tint * patch, patch)


def draw_crack(rng: np.random.Generator, *, strength: float) -> Stamp:
    """A thin branching trench whose edges curl up a little."""
    length = float(np.clip(rng.lognormal(np.log(85), 0.5), 25, 320))
    paths = _branches(rng, (0.0, 0.0, rng.uniform(0, 2 * np.pi)), length, rng.uniform(1.1, 2.0), depth=0)
    row, col, distance, half_width = _near_path(np.concatenate(paths))
    reach = distance / half_width
    trench = _dome(reach)
    lips = np.exp(-(((reach - 1.5) / 0.45) ** 2))
    relief = strength * np.sqrt(half_width) * (0.09 * lips - 0.6 * trench)
    albedo = 1 - rng.uniform(0.0, 0.14) * trench
    return Stamp(row, col, _single(relief), _single(albedo), trench > FOOTPRINT_LEVEL)


def draw_scratch(rng: np.random.Generator) -> Stamp:
    """A faint straight line in any direction: handling, not a defect."""
    angle, length = rng.uniform(0, np.pi), rng.uniform(30, 150)
    steps = np.arange(0, length, 0.5)
    width = np.full_like(steps, rng.uniform(0.7, 1.1))
    path = np.stack([steps * np.sin(angle), steps * np.cos(angle), width], axis=1)
    row, col, distance, half_width = _near_path(path)
    line = _dome(distance / half_width)
    relief = -rng.uniform(0.05, 0.12) * line
    return Stamp(
        row, col, _single(relief), _single(1 + rng.uniform(-0.05, 0.05) * line), line > FOOTPRINT_LEVEL
    )


def draw_trail(rng: np.random.Generator, *, strength: float) -> Stamp:
    """A long shallow groove or ridge along the direction of transport (down the rows) that fades out."""
    length = round(float(np.clip(rng.lognormal(np.log(260), 0.55), 70, 1200)))
    half_width = rng.uniform(2.6, 6.0)
    rows = np.arange(length)
    centre = rng.uniform(-0.025, 0.025) * rows + 1.5 * _wander(rng, length, 60)
    widths = half_width * (1 + 0.15 * _wander(rng, length, 40))
    along = np.clip(1 + 0.3 * _wander(rng, length, 25), 0.3, None)
    along *= np.clip(rows / rng.uniform(3, 25), 0, 1) * np.clip((length - rows) / rng.uniform(15, 90), 0, 1)
    first = int(centre.min() - 2.2 * widths.max())
    cols = np.arange(first, int(centre.max() + 2.2 * widths.max()) + 1)
    across = (cols[None, :] - centre[:, None]) / widths[:, None]
    core = _dome(np.abs(across)) * along[:, None]
    shoulders = np.exp(-(((np.abs(across) - 1.15) / 0.35) ** 2)) * along[:, None]
    lines = _wander(rng, len(cols), 1.2)[None, :] * core
    sign = -1.0 if rng.random() < 0.7 else 1.0
    relief = strength * half_width * (0.11 * sign * core - 0.05 * sign * shoulders + 0.025 * lines)
    albedo = 1 + rng.normal(0, 0.025) * core
    return Stamp(0, first, _single(relief), _single(albedo), core > FOOTPRINT_LEVEL)


def _blob_distance(rng: np.random.Generator, radius: float, *, irregularity: float) -> NDArray[np.float64]:
    """Distance from the centre over the distance of the outline in that direction."""
    half = int(np.ceil(radius * 2.2)) + 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1] - rng.uniform(-0.5, 0.5, (2, 1, 1))
    turn, stretch = rng.uniform(0, np.pi), rng.uniform(0.7, 1.0)
    u, v = x * np.cos(turn) + y * np.sin(turn), (y * np.cos(turn) - x * np.sin(turn)) / stretch
    angle = np.arctan2(v, u)
    orders = np.arange(2, 8)
    waves = rng.normal(0, irregularity / orders)
    outline = 1 + sum(
        a * np.cos(k * angle + p)
        for a, k, p in zip(waves, orders, rng.uniform(0, 6.3, orders.size), strict=True)
    )
    distance: NDArray[np.float64] = np.hypot(u, v) / (radius * np.clip(outline, 0.4, 1.8))
    return distance


def _dome(reach: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 in the middle, 0 from reach 1 on, with a continuous slope."""
    profile: NDArray[np.float64] = np.clip(1 - reach**2, 0, 1) ** 1.5
    return profile


def _blob_stamp(
    relief: NDArray[np.float64], albedo: NDArray[np.float64], profile: NDArray[np.float64]
) -> Stamp:
    half = len(relief) // 2
    return Stamp(-half, -half, _single(relief), _single(albedo), profile > FOOTPRINT_LEVEL)


def _single(values: NDArray[np.float64]) -> Array:
    return values.astype(np.float32)


def _wander(rng: np.random.Generator, count: int, scale: float) -> NDArray[np.float64]:
    """Smooth noise of unit variance along a line; it changes over about ``scale`` steps."""
    from scipy.ndimage import gaussian_filter1d

    margin = int(4 * scale) + 1
    noise = gaussian_filter1d(rng.standard_normal(count + 2 * margin), scale, mode="wrap")[
        margin : margin + count
    ]
    smooth: NDArray[np.float64] = noise * np.sqrt(2 * scale * np.sqrt(np.pi))
    return smooth


def _branches(
    rng: np.random.Generator,
    start: tuple[float, float, float],
    length: float,
    half_width: float,
    *,
    depth: int,
) -> list[NDArray[np.float64]]:
    """Points ``(row, col, half width)`` every half pixel of a crack and its branches."""
    count = max(int(length * 2), 4)
    kinks = np.where(rng.random(count) < 0.05, rng.normal(0, 0.45, count), 0.0)
    heading = start[2] + np.cumsum(rng.normal(0, 0.02, count) + kinks)
    taper = np.sqrt(np.clip(np.minimum(np.arange(count) + 4, 2.0 * (count - np.arange(count))) / 40, 0.1, 1))
    widths = np.clip(half_width * taper * (1 + 0.25 * _wander(rng, count, 12)), 0.8, None)
    rows, cols = start[0] + 0.5 * np.cumsum(np.sin(heading)), start[1] + 0.5 * np.cumsum(np.cos(heading))
    paths = [np.stack([rows, cols, widths], axis=1)]
    for _ in range(rng.poisson(length / 60) if depth < 2 else 0):
        at = int(rng.integers(count // 8, count))
        turn = rng.choice([-1.0, 1.0]) * rng.uniform(0.5, 1.3)
        begin = (float(rows[at]), float(cols[at]), float(heading[at] + turn))
        paths += _branches(rng, begin, length * rng.uniform(0.15, 0.5), half_width * 0.8, depth=depth + 1)
    return paths


def _near_path(path: NDArray[np.float64]) -> tuple[int, int, NDArray[np.float64], NDArray[np.float64]]:
    """Corner of a grid around ``path``; each pixel's distance to the nearest point, and its half width."""
    from scipy.ndimage import distance_transform_edt

    corner = np.floor(path[:, :2].min(axis=0)).astype(int) - 8
    shape = np.ceil(path[:, :2].max(axis=0)).astype(int) - corner + 9
    local = path[:, :2] - corner
    cells = np.round(local).astype(int)
    owner = np.full(shape, -1)
    owner[cells[:, 0], cells[:, 1]] = np.arange(len(path))
    nearest = distance_transform_edt(owner < 0, return_distances=False, return_indices=True)
    point = owner[nearest[0], nearest[1]]
    rows, cols = np.indices(tuple(shape))
    distance = np.hypot(rows - local[point, 0], cols - local[point, 1])
    return int(corner[0]), int(corner[1]), distance, path[point, 2]
