"""What a synthetic strip of rolled steel looks like and which defects it has."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator

from rareseg.config.load import Settings

__all__ = ["CLEAN", "STEEL_CLASSES", "STEEL_DEFECTS", "SteelDefect", "SteelSettings", "defects_of"]

SteelDefect = Literal["pitting", "inclusion", "scratch", "patch"]
STEEL_DEFECTS: tuple[SteelDefect, ...] = get_args(SteelDefect)
STEEL_CLASSES: tuple[str, ...] = ("background", *STEEL_DEFECTS)
"""Class names in the order of ClassId, 0 being what has no defect."""
CLEAN = "clean"


class SteelSettings(Settings):
    """Synthetic grey strips after the Severstal contest: rolled down the rows, lit unevenly along the columns.

    Example:
        >>> SteelSettings(size=(128, 800), kinds={"clean": 1, "scratch+patch": 1}).size
        (128, 800)
    """

    size: tuple[Annotated[int, Field(ge=32)], Annotated[int, Field(ge=64)]] = (256, 1600)
    """Rows and columns. All lengths follow the rows: at 128 defects are half as long as at 256."""
    kinds: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default={
            CLEAN: 5902,
            "scratch": 4759,
            "pitting": 769,
            "patch": 516,
            "scratch+patch": 284,
            "inclusion": 195,
            "pitting+scratch": 91,
            "pitting+inclusion": 35,
            "inclusion+scratch": 14,
            "pitting+inclusion+scratch": 2,
            "inclusion+patch": 1,
        },
        min_length=1,
    )
    """How many strips have which defects, by names joined with ``+``; scaled to sum 1. The numbers are those of the
    contest's 12 568 training images."""
    dark_ends: float = Field(default=0.25, ge=0, le=1)
    """Share of strips of which one end is black, because no steel was in front of the camera."""
    contrast: float = Field(default=1.0, ge=0, le=5)
    """Strength of all defects; at 0 they cannot be seen."""
    distractors: float = Field(default=1.0, ge=0, le=10)
    """Number of faint lines and spots that are no defects, as a factor."""

    @field_validator("kinds")
    @classmethod
    def _known(cls, kinds: dict[str, float]) -> dict[str, float]:
        for kind in kinds:
            defects = kind.split("+")
            unknown = [name for name in defects if name not in STEEL_DEFECTS]
            if kind != CLEAN and (unknown or len(set(defects)) < len(defects)):
                raise ValueError(
                    f"'{kind}' should be '{CLEAN}' or names joined with '+', each once, of {', '.join(STEEL_DEFECTS)}"
                )
        if sum(kinds.values()) <= 0:
            raise ValueError("at least one kind must have a share above 0")
        return kinds


def defects_of(kind: str) -> tuple[str, ...]:
    """The defects that a kind of strip has.

    Example:
        >>> defects_of("scratch+patch"), defects_of("clean")
        (('scratch', 'patch'), ())
    """
    return () if kind == CLEAN else tuple(kind.split("+"))
