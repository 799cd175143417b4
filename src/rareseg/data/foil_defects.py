"""Placing defects on a foil until each class holds its share of the pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rareseg.data.foil_blobs import draw_agglomeration, draw_cavity, draw_stain
from rareseg.data.foil_lines import draw_crack, draw_scratch, draw_trail
from rareseg.data.foil_settings import FOIL_DEFECTS, FoilDefect, FoilSettings
from rareseg.data.foil_stamp import Stamp

__all__ = ["FoilLayer", "place_defects"]

AGGLOMERATION, CRACK, CAVITY, TRAIL = range(1, 5)
MAX_REFUSED = 200
"""Draws in a row that find no free place, after which a class is left short of its budget."""

Position = tuple[int, int]


@dataclass(frozen=True)
class FoilLayer:
    """What defects and distractors add to the coating."""

    relief: NDArray[np.float32]
    """Change of height ``(h, w)`` in pixels."""
    albedo: NDArray[np.float32]
    """Factor on the albedo ``(h, w)``."""
    mask: NDArray[np.uint8]
    """Class of each pixel ``(h, w)``, exact."""


def place_defects(
    rng: np.random.Generator, settings: FoilSettings, budgets: dict[FoilDefect, float]
) -> FoilLayer:
    """Draw distractors, then defects of every class until its budget of pixels is spent.

    The last defect of a class is kept with a chance of (pixels left) : (its pixels), so that the expected
    number of pixels equals the budget even where one defect is larger than the budget.

    Args:
        rng: Source of all randomness.
        settings: Size, strength of the relief and number of distractors.
        budgets: Pixels to cover for each class name.
    """
    layer = FoilLayer(
        np.zeros(settings.size, np.float32),
        np.ones(settings.size, np.float32),
        np.zeros(settings.size, np.uint8),
    )
    _add_distractors(rng, layer, settings)
    height = settings.relief

    def strength(spread: float) -> float:
        return height * float(np.clip(rng.lognormal(0, spread), 0.5, 2.2))

    recipes: tuple[tuple[int, Callable[[], Stamp], Iterator[Position]], ...] = (
        (
            AGGLOMERATION,
            lambda: draw_agglomeration(rng, strength=strength(0.4)),
            _clusters(rng, settings.size),
        ),
        (TRAIL, lambda: draw_trail(rng, strength=strength(0.35)), _behind(rng, layer.mask, lead=500)),
        (CRACK, lambda: draw_crack(rng, strength=strength(0.35)), _anywhere(rng, settings.size, margin=40)),
        (CAVITY, lambda: draw_cavity(rng, strength=strength(0.3)), _beside(rng, layer.mask)),
    )
    for label, draw, positions in recipes:
        _spend(rng, layer, label, draw, positions, budget=budgets.get(FOIL_DEFECTS[label - 1], 0.0))
    return layer


def _spend(
    rng: np.random.Generator,
    layer: FoilLayer,
    label: int,
    draw: Callable[[], Stamp],
    positions: Iterator[Position],
    *,
    budget: float,
) -> None:
    refused = 0
    while budget > 0 and refused < MAX_REFUSED:
        stamp = draw().shifted(*next(positions))
        there, here = _overlap(stamp, layer.mask.shape)
        footprint = stamp.footprint[here]
        free = footprint & (layer.mask[there] == 0)
        covered = int(free.sum())
        if covered < max(0.75 * footprint.sum(), 3):
            refused += 1
            continue
        refused = 0
        if covered > budget and rng.random() * covered > budget:
            return
        _press(layer, stamp)
        layer.mask[there][free] = label
        budget -= covered


def _press(layer: FoilLayer, stamp: Stamp) -> None:
    """Add a stamp; where reliefs meet, the stronger one stands."""
    there, here = _overlap(stamp, layer.mask.shape)
    old, new = layer.relief[there], stamp.relief[here]
    layer.relief[there] = np.where(np.abs(new) > np.abs(old), new, old)
    layer.albedo[there] *= stamp.albedo[here]


def _overlap(stamp: Stamp, shape: tuple[int, ...]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The part of the foil that a stamp meets, in the foil's and in the stamp's own pixels (may be empty)."""
    there, here = [], []
    for start, length, size in zip((stamp.row, stamp.col), stamp.relief.shape, shape, strict=True):
        first, last = min(max(start, 0), size), max(min(start + length, size), 0)
        last = max(first, last)
        there.append(slice(first, last))
        here.append(slice(first - start, last - start))
    return (there[0], there[1]), (here[0], here[1])


def _add_distractors(rng: np.random.Generator, layer: FoilLayer, settings: FoilSettings) -> None:
    """Stains, scratches, shallow pits and soft swells: visible, and rightly not annotated."""
    per_megapixel: tuple[tuple[float, Callable[[], Stamp]], ...] = (
        (18, lambda: draw_stain(rng)),
        (10, lambda: draw_scratch(rng)),
        (45, lambda: draw_cavity(rng, strength=rng.uniform(0.1, 0.3))),
        (25, lambda: draw_agglomeration(rng, strength=rng.uniform(0.08, 0.22), radius=rng.uniform(6, 30))),
    )
    megapixels = layer.mask.size / 1e6
    positions = _anywhere(rng, settings.size, margin=20)
    for density, draw in per_megapixel:
        for _ in range(rng.poisson(density * megapixels * settings.distractors)):
            _press(layer, draw().shifted(*next(positions)))


def _anywhere(rng: np.random.Generator, size: tuple[int, int], *, margin: int) -> Iterator[Position]:
    while True:
        yield (
            int(rng.integers(-margin, size[0] + margin)),
            int(rng.integers(-margin, size[1] + margin)),
        )


def _clusters(rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Position]:
    """Groups of one to about ten positions around common centres."""
    for centre in _anywhere(rng, size, margin=30):
        spread = rng.uniform(10, 45)
        for row, col in rng.normal(centre, spread, (1 + rng.poisson(4), 2)):
            yield round(row), round(col)


def _behind(rng: np.random.Generator, mask: NDArray[np.uint8], *, lead: int) -> Iterator[Position]:
    """Starts of trails: often an agglomeration that clogged the blade, else anywhere, or above the image."""
    clogs = np.argwhere(mask == AGGLOMERATION)
    while True:
        if len(clogs) and rng.random() < 0.35:
            row, col = rng.choice(clogs)
            yield int(row), int(col)
        else:
            yield int(rng.integers(-lead, mask.shape[0])), int(rng.integers(0, mask.shape[1]))


def _beside(rng: np.random.Generator, mask: NDArray[np.uint8]) -> Iterator[Position]:
    """Positions of cavities: mostly near agglomerations, else anywhere (foil thesis, section 3.3)."""
    lumps = np.argwhere(mask == AGGLOMERATION)
    elsewhere = _anywhere(rng, (mask.shape[0], mask.shape[1]), margin=1)
    while True:
        if len(lumps) and rng.random() < 0.65:
            row, col = rng.normal(rng.choice(lumps), 9)
            yield round(row), round(col)
        else:
            yield next(elsewhere)
