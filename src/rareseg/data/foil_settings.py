"""What a synthetic battery foil looks like, how it is photographed and how carelessly it is annotated."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from rareseg.config.load import Settings

__all__ = ["FOIL_CLASSES", "FOIL_DEFECTS", "FoilAnnotatorSettings", "FoilDefect", "FoilSettings"]

FoilDefect = Literal["agglomeration", "crack", "cavity", "blade_trail"]
FOIL_DEFECTS: tuple[FoilDefect, ...] = get_args(FoilDefect)
FOIL_CLASSES: tuple[str, ...] = ("background", *FOIL_DEFECTS)
"""Class names in the order of mask values (section 3.2 of the foil thesis)."""


def _each(agglomeration: float, crack: float, cavity: float, blade_trail: float) -> dict[FoilDefect, float]:
    return dict(zip(FOIL_DEFECTS, (agglomeration, crack, cavity, blade_trail), strict=True))


Share = Annotated[float, Field(ge=0, le=1)]


class FoilAnnotatorSettings(Settings):
    """How the annotator's masks differ from the exact ones. A class that a table does not name has rate 0."""

    missed: dict[FoilDefect, Share] = Field(default=_each(0.05, 0.12, 0.2, 0.1))
    """Share of regions that the annotator overlooks."""
    confused: dict[FoilDefect, Share] = Field(default=_each(0.005, 0.02, 0.02, 0.02))
    """Share of the seen regions that get the class they resemble: crack and blade trail are taken for each
    other, and so are agglomeration and cavity."""
    coarseness: float = Field(default=1.5, ge=0, le=20)
    """How far outlines are rounded and the hand trembles, in pixels; at 0 only growth changes outlines."""
    shift: float = Field(default=0.7, ge=0, le=20)
    """Standard deviation of a region's misplacement along rows and columns, in pixels."""
    growth: float = Field(default=1.12, gt=0.3, lt=4)
    """Mean area of a drawn region over its exact area."""


class FoilSettings(Settings):
    """Synthetic coated battery foil, after section 3.1 of the foil thesis; lengths are in pixels of 50 µm.

    Example:
        >>> FoilSettings(size=(256, 256), annotator={"missed": {"cavity": 0.5}}).annotator.missed
        {'cavity': 0.5}
    """

    size: tuple[Annotated[int, Field(ge=32)], Annotated[int, Field(ge=32)]] = (512, 512)
    """Rows and columns. Statistics per area do not depend on it."""
    background_ratio: dict[FoilDefect, Annotated[float, Field(gt=0)]] = Field(
        default=_each(40, 111, 1571, 82)
    )
    """Background pixels per pixel of a class, over many images (Table 3.2); a class not named: none."""
    absent: dict[FoilDefect, Annotated[float, Field(ge=0, le=0.9)]] = Field(
        default=_each(0.08, 0.15, 0.2, 0.2)
    )
    """Share of images without any pixel of a class; the others hold more for it."""
    relief: float = Field(default=1.0, ge=0, le=5)
    """Height of all defects; below 1 they drown in the grain, at 0 only their albedo shows."""
    grain: float = Field(default=0.1, ge=0, le=0.5)
    """Standard deviation of the slope of the coating grain (rise over run)."""
    waviness: float = Field(default=0.015, ge=0, le=0.2)
    """Standard deviation of the slope of the foil's large-scale waves."""
    distractors: float = Field(default=1.0, ge=0, le=10)
    """Number of stains, scratches, pits and swells that are no defects, as a factor."""
    azimuth: tuple[float, ...] = Field(default=(45, 135, 225, 315), min_length=3)
    """Directions of the lights in degrees; y (down) is the direction of transport."""
    polar: float = Field(default=55, gt=0, lt=90)
    """Angle between lights and camera axis in degrees."""
    electrons: float = Field(default=12000, gt=0)
    """Photo-electrons of a white surface that faces its light: fewer is noisier."""
    read_noise: float = Field(default=15, ge=0)
    """Standard deviation of the sensor's own noise in electrons."""
    bits: int = Field(default=12, ge=6, le=16)
    """Depth of the captured images; white facing its light is the largest value."""
    annotator: FoilAnnotatorSettings = FoilAnnotatorSettings()
