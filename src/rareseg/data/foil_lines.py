"""Long defects of a foil and their harmless like: cracks, blade trails, scratches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rareseg.data.foil_stamp import FOOTPRINT_LEVEL, Stamp, dome

__all__ = ["draw_crack", "draw_scratch", "draw_trail"]


def draw_crack(rng: np.random.Generator, *, strength: float) -> Stamp:
    """A thin branching trench whose edges curl up a little."""
    length = float(np.clip(rng.lognormal(np.log(85), 0.5), 25, 320))
    paths = _branches(rng, (0.0, 0.0, rng.uniform(0, 2 * np.pi)), length, rng.uniform(1.1, 2.0), depth=0)
    row, col, distance, half_width = _near_path(np.concatenate(paths))
    reach = distance / half_width
    trench = dome(reach)
    lips = np.exp(-(((reach - 1.5) / 0.45) ** 2))
    relief = strength * np.sqrt(half_width) * (0.09 * lips - 0.6 * trench)
    albedo = 1 - rng.uniform(0.0, 0.14) * trench
    return Stamp(row, col, relief.astype(np.float32), albedo.astype(np.float32), trench > FOOTPRINT_LEVEL)


def draw_scratch(rng: np.random.Generator) -> Stamp:
    """A faint straight line in any direction: handling, not a defect."""
    angle, length = rng.uniform(0, np.pi), rng.uniform(30, 150)
    steps = np.arange(0, length, 0.5)
    width = np.full_like(steps, rng.uniform(0.7, 1.1))
    path = np.stack([steps * np.sin(angle), steps * np.cos(angle), width], axis=1)
    row, col, distance, half_width = _near_path(path)
    line = dome(distance / half_width)
    relief = -rng.uniform(0.05, 0.12) * line
    return Stamp(
        row,
        col,
        relief.astype(np.float32),
        (1 + rng.uniform(-0.05, 0.05) * line).astype(np.float32),
        line > FOOTPRINT_LEVEL,
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
    core = dome(np.abs(across)) * along[:, None]
    shoulders = np.exp(-(((np.abs(across) - 1.15) / 0.35) ** 2)) * along[:, None]
    lines = _wander(rng, len(cols), 1.2)[None, :] * core
    sign = -1.0 if rng.random() < 0.7 else 1.0
    relief = strength * half_width * (0.11 * sign * core - 0.05 * sign * shoulders + 0.025 * lines)
    albedo = 1 + rng.normal(0, 0.025) * core
    return Stamp(0, first, relief.astype(np.float32), albedo.astype(np.float32), core > FOOTPRINT_LEVEL)


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


def _wander(rng: np.random.Generator, count: int, scale: float) -> NDArray[np.float64]:
    """Smooth noise of unit variance along a line; it changes over about ``scale`` steps."""
    from scipy.ndimage import gaussian_filter1d

    margin = int(4 * scale) + 1
    noise = gaussian_filter1d(rng.standard_normal(count + 2 * margin), scale, mode="wrap")[
        margin : margin + count
    ]
    smooth: NDArray[np.float64] = noise * np.sqrt(2 * scale * np.sqrt(np.pi))
    return smooth
