"""An annotator who draws coarse outlines, misplaces them a little and overlooks defects."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rareseg.data.foil_settings import FOIL_CLASSES, FOIL_DEFECTS, FoilAnnotatorSettings, FoilDefect

__all__ = ["annotate_foil"]

RESEMBLES: dict[FoilDefect, FoilDefect] = {
    "agglomeration": "cavity",
    "cavity": "agglomeration",
    "crack": "blade_trail",
    "blade_trail": "crack",
}


def annotate_foil(
    rng: np.random.Generator, mask: NDArray[np.uint8], settings: FoilAnnotatorSettings
) -> NDArray[np.uint8]:
    """The mask ``(h, w)`` that a hurried annotator makes of an exact one.

    Every connected region is missed, confused and drawn on its own. A drawn region covers a share of its
    exact area that is close to ``settings.growth``, so pixel counts stay under control however coarse it is.

    Args:
        rng: Source of all randomness.
        mask: Exact classes ``(h, w)``, in the order of `FOIL_CLASSES`.
        settings: Rates and lengths.
    """
    from scipy.ndimage import find_objects, label

    drawn = np.zeros_like(mask)
    for index, name in enumerate(FOIL_DEFECTS, start=1):
        regions, _ = label(mask == index, structure=np.ones((3, 3)))
        for number, box in enumerate(find_objects(regions), start=1):
            missed, confused = rng.random(2)
            if missed < settings.missed.get(name, 0.0):
                continue
            wrong = confused < settings.confused.get(name, 0.0)
            value = FOIL_CLASSES.index(RESEMBLES[name]) if wrong else index
            margin = int(np.ceil(3 * (settings.coarseness + settings.shift + settings.growth))) + 1
            window = tuple(
                slice(max(side.start - margin, 0), min(side.stop + margin, size))
                for side, size in zip(box, mask.shape, strict=True)
            )
            outline = _redraw(rng, regions[window] == number, settings)
            drawn[window][outline] = value
    return drawn


def _redraw(
    rng: np.random.Generator, region: NDArray[np.bool_], settings: FoilAnnotatorSettings
) -> NDArray[np.bool_]:
    """The region as a hand draws it: its distance map smoothed, moved, shaken, cut at an area."""
    from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates

    coarse = settings.coarseness
    depth = distance_transform_edt(region) - distance_transform_edt(~region)
    # Rounding a thin line by more than its width would leave beads of it.
    smooth = gaussian_filter(depth, min(coarse, 0.5 * depth.max()))
    tremor = gaussian_filter(rng.standard_normal((2, *region.shape)), (0, 6, 6)) * 6 * 2 * np.sqrt(np.pi)
    offset = rng.normal(0, settings.shift, (2, 1, 1)) + 0.4 * coarse * tremor
    field = map_coordinates(smooth, np.indices(region.shape) - offset, order=1, mode="nearest")
    area = int(
        np.clip(
            round(region.sum() * settings.growth * rng.lognormal(0, min(0.08 * coarse, 0.4))), 1, region.size
        )
    )
    level = np.partition(field, -area, axis=None)[-area]
    outline: NDArray[np.bool_] = field >= level
    return outline
