"""Compact defects of a foil and their harmless likes: agglomerations, cavities, stains."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rareseg.data.foil_stamp import FOOTPRINT_LEVEL, Stamp, dome

__all__ = ["draw_agglomeration", "draw_cavity", "draw_stain"]


def draw_agglomeration(rng: np.random.Generator, *, strength: float, radius: float | None = None) -> Stamp:
    """Excess material: a lumpy dome of irregular outline."""
    from scipy.ndimage import gaussian_filter

    radius = radius or float(np.clip(rng.lognormal(np.log(7.0), 0.5), 2.5, 26))
    reach = _blob_distance(rng, radius, irregularity=0.3)
    bump = dome(reach)
    lumps = gaussian_filter(rng.standard_normal(reach.shape, dtype=np.float32), 1.5) * 5.3
    lumpiness = rng.uniform(0.05, 0.3)
    relief = 0.15 * radius * strength * bump * (1 + lumpiness * lumps)
    tint = rng.normal(0.0, 0.05)
    return _blob_stamp(relief, 1 + tint * bump, bump)


def draw_cavity(rng: np.random.Generator, *, strength: float) -> Stamp:
    """A small-diameter pore with a faintly raised rim; light is lost in it."""
    radius = float(np.clip(rng.lognormal(np.log(2.2), 0.25), 1.5, 4.5))
    reach = _blob_distance(rng, radius, irregularity=0.12)
    bowl = dome(reach)
    rim = np.exp(-(((reach - 1.25) / 0.3) ** 2))
    relief = radius * strength * (0.08 * rim - 0.65 * bowl)
    return _blob_stamp(relief, 1 - rng.uniform(0.04, 0.18) * bowl, bowl)


def draw_stain(rng: np.random.Generator) -> Stamp:
    """A soft patch of other albedo and no relief: not a defect."""
    reach = _blob_distance(rng, float(rng.uniform(8, 40)), irregularity=0.25)
    patch = dome(reach)
    tint = rng.choice([-1.0, 1.0]) * rng.uniform(0.04, 0.14)
    return _blob_stamp(0 * reach, 1 + tint * patch, patch)


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


def _blob_stamp(
    relief: NDArray[np.float64], albedo: NDArray[np.float64], profile: NDArray[np.float64]
) -> Stamp:
    half = len(relief) // 2
    return Stamp(
        -half, -half, relief.astype(np.float32), albedo.astype(np.float32), profile > FOOTPRINT_LEVEL
    )
