"""A synthetic strip of rolled steel: a grey image and the outlines of its defects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rareseg.data.steel_defects import place_steel_defects
from rareseg.data.steel_settings import SteelSettings, defects_of
from rareseg.data.steel_surface import roll_steel
from rareseg.errors import OptionError

__all__ = ["STEEL_GENERATOR", "SteelStrip", "make_steel"]

STEEL_GENERATOR = 1
"""Raised whenever the same arguments give another strip than before, so that no folder mixes the two."""


@dataclass(frozen=True)
class SteelStrip:
    """One synthetic strip."""

    image: NDArray[np.uint8]
    """Grey values ``(h, w)``."""
    layers: NDArray[np.bool_]
    """Pixels inside the drawn outlines of each kind of `STEEL_DEFECTS`, ``(4, h, w)``; kinds may overlap."""
    kind: str
    """Key of `SteelSettings.kinds`: which defects the strip was given."""


def make_steel(seed: int, index: int, settings: SteelSettings | None = None) -> SteelStrip:
    """Make strip number ``index`` of the endless series ``seed``: a pure function of its arguments.

    Kinds of strips come in turn as evenly as their shares allow, so that already a few hundred strips have the
    shares asked for.

    Args:
        seed: Number of the series, 0 or more.
        index: Number of the strip in it, 0 or more. No other strip is needed to make it.
        settings: Size, kinds of strips, contrast.

    Raises:
        OptionError: The seed or the index is negative.

    Example:
        >>> strip = make_steel(0, 3, SteelSettings(size=(64, 400)))
        >>> strip.image.shape, strip.image.dtype.name, strip.layers.shape
        ((64, 400), 'uint8', (4, 64, 400))
    """
    if seed < 0 or index < 0:
        raise OptionError(
            f"`seed` and `index` count from 0, but ({seed}, {index}) came; give numbers of 0 or more."
        )
    settings = settings or SteelSettings()
    surface, defects, sensor = (
        np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, index, stage])))
        for stage in range(3)
    )
    kind = _kind(seed, index, settings)
    grey, steel = roll_steel(surface, settings)
    layer = place_steel_defects(defects, settings, defects_of(kind), steel)
    grey = grey * (1 + layer.change)
    noise = sensor.standard_normal(settings.size, dtype=np.float32)
    image = np.clip(np.rint(grey + noise * (0.8 + 0.16 * np.sqrt(np.clip(grey, 0, None)))), 0, 255)
    return SteelStrip(image.astype(np.uint8), layer.outlines, kind)


def _kind(seed: int, index: int, settings: SteelSettings) -> str:
    """Strips spread evenly over the kinds by an additive recurrence with the golden ratio."""
    start = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed]))).random()
    position = (start + index * 0.6180339887498949) % 1.0
    bounds = np.cumsum(list(settings.kinds.values()))
    place = int(np.searchsorted(bounds, position * bounds[-1], side="right"))
    return list(settings.kinds)[min(place, len(settings.kinds) - 1)]
