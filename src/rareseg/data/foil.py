"""A synthetic battery foil: images under four lights, what photometric stereo makes of them, and masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rareseg.data.foil_annotator import annotate_foil
from rareseg.data.foil_camera import capture
from rareseg.data.foil_defects import place_defects
from rareseg.data.foil_settings import FOIL_DEFECTS, FoilDefect, FoilSettings
from rareseg.data.foil_surface import coat
from rareseg.data.photometric_stereo import light_directions, photometric_stereo
from rareseg.errors import OptionError

__all__ = ["GENERATOR", "Foil", "make_foil"]

GENERATOR = 1
"""Raised whenever the same arguments give another foil than before, so that no folder mixes the two."""


@dataclass(frozen=True)
class Foil:
    """One synthetic foil. Classes are in the order of `FOIL_CLASSES`."""

    images: NDArray[np.uint16]
    """Captures ``(n, h, w)``, one a light."""
    lights: NDArray[np.float64]
    """Directions ``(n, 3)`` towards the lights: x right, y down, z to the camera."""
    normals: NDArray[np.float32]
    """Unit normals ``(3, h, w)`` recovered from the noisy captures."""
    albedo: NDArray[np.float32]
    """Albedo ``(h, w)`` recovered from the noisy captures."""
    mask: NDArray[np.uint8]
    """Exact class of each pixel ``(h, w)``, from the geometry."""
    annotated: NDArray[np.uint8]
    """The annotator's mask ``(h, w)``: coarse, and without the defects that were missed."""
    height: NDArray[np.float32]
    """True height of the surface ``(h, w)`` in pixels."""


def make_foil(seed: int, index: int, settings: FoilSettings | None = None) -> Foil:
    """Make foil number ``index`` of the endless series ``seed``: a pure function of its arguments.

    After section 3.1 of the foil thesis: a coated surface with four kinds of defects is lit from four sides,
    captured with noise, and turned into normals and albedo by photometric stereo (equation 3.1).

    Args:
        seed: Number of the series, 0 or more.
        index: Number of the foil in it, 0 or more. No other foil is needed to make it.
        settings: Size, shares of the classes, noise, annotator.

    Raises:
        OptionError: The seed or the index is negative.

    Example:
        >>> foil = make_foil(0, 3, FoilSettings(size=(96, 128)))
        >>> foil.images.shape, foil.normals.shape, foil.mask.dtype.name
        ((4, 96, 128), (3, 96, 128), 'uint8')
    """
    if seed < 0 or index < 0:
        raise OptionError(
            f"`seed` and `index` count from 0, but ({seed}, {index}) came; give numbers of 0 or more."
        )
    settings = settings or FoilSettings()
    surface, defects, sensor, hand = (
        np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, index, stage])))
        for stage in range(4)
    )
    coating, albedo = coat(surface, settings)
    layer = place_defects(defects, settings, _budgets(seed, index, settings))
    height = coating + layer.relief
    lights = light_directions(settings.azimuth, settings.polar)
    images = capture(sensor, height, albedo * layer.albedo, lights, settings)
    normals, brightness = photometric_stereo(images, lights)
    return Foil(
        images=images,
        lights=lights,
        normals=normals,
        albedo=brightness / np.float32(2**settings.bits - 1),
        mask=layer.mask,
        annotated=annotate_foil(hand, layer.mask, settings.annotator),
        height=height,
    )


def _budgets(seed: int, index: int, settings: FoilSettings) -> dict[FoilDefect, float]:
    """Pixels of each class on one foil: none on some foils, up to 1.75 times the mean on others.

    Foils are spread evenly over that range by an additive recurrence with irrational steps, so that already
    a few foils together come close to the shares asked for.
    """
    inverse = {name: 1 / ratio for name, ratio in settings.background_ratio.items()}
    pixels = settings.size[0] * settings.size[1] / (1 + sum(inverse.values()))
    starts = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed]))).random(4)
    # Steps 1/g, 1/g^2, ... with g the positive root of g^5 = g + 1 fill four dimensions evenly.
    steps = 1.1673039782614187 ** -np.arange(1.0, 5.0)
    budgets: dict[FoilDefect, float] = {}
    for name, position in zip(FOIL_DEFECTS, starts + index * steps, strict=True):
        absent = settings.absent.get(name, 0.0)
        place = (position % 1.0 - absent) / (1 - absent)
        if name in inverse and place >= 0:
            budgets[name] = pixels * inverse[name] * (0.25 + 1.5 * place) / (1 - absent)
    return budgets
