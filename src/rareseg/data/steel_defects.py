"""The four kinds of defects of a strip, and their harmless likes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rareseg.data.steel_settings import STEEL_DEFECTS, SteelDefect, SteelSettings
from rareseg.data.steel_shapes import Shape, blob, line
from rareseg.data.steel_surface import smooth_noise

__all__ = ["SteelLayer", "place_steel_defects"]

LEAST = 60
"""Fewest pixels of a kind on a strip of 256 rows that has it."""


@dataclass(frozen=True)
class SteelLayer:
    """What defects change, and what an annotator draws around them."""

    change: NDArray[np.float32]
    """Added to the brightness as a share of it ``(h, w)``."""
    outlines: NDArray[np.bool_]
    """Outlines of each kind, filled, ``(4, h, w)``; kinds may overlap."""


@dataclass(frozen=True)
class _Hand:
    """Draws on one strip; lengths are given for a strip of 256 rows."""

    rng: np.random.Generator
    layer: SteelLayer
    steel: tuple[int, int]
    scale: float
    contrast: float

    @property
    def size(self) -> tuple[int, int]:
        return self.layer.change.shape[0], self.layer.change.shape[1]

    def somewhere(self, *, margin: float = 0.0) -> tuple[float, float]:
        """A row and a column with steel, the row up to ``margin`` strips above or below."""
        row = self.rng.uniform(-margin, 1 + margin) * self.size[0]
        return row, self.rng.uniform(self.steel[0], max(self.steel[1], self.steel[0] + 1))

    def drawn(self, median: float, spread: float, least: float, most: float, *, power: int = 1) -> float:
        """A lognormal length (or area, with power 2) of the strip's own pixels."""
        value = float(np.clip(self.rng.lognormal(np.log(median), spread), least, most))
        return value * self.scale**power

    def press(self, shape: Shape, change: NDArray[np.float64]) -> None:
        """Where changes meet, the stronger one stands."""
        old, new = self.layer.change[shape.place], self.contrast * change
        self.layer.change[shape.place] = np.where(np.abs(new) > np.abs(old), new, old)

    def outline(self, kind: SteelDefect, shape: Shape) -> None:
        self.layer.outlines[STEEL_DEFECTS.index(kind)][shape.place] |= shape.reach < 1


def place_steel_defects(
    rng: np.random.Generator, settings: SteelSettings, defects: tuple[str, ...], steel: tuple[int, int]
) -> SteelLayer:
    """Draw the harmless likes of defects, and then the defects.

    Sizes and numbers of the outlines are near those of the contest's masks, see ``tests/data/test_steel.py``.

    Args:
        rng: Source of all randomness.
        settings: Size, contrast, number of distractors.
        defects: Kinds that the strip has.
        steel: First column with steel, and first one behind it.
    """
    layer = SteelLayer(
        np.zeros(settings.size, np.float32), np.zeros((len(STEEL_DEFECTS), *settings.size), bool)
    )
    hand = _Hand(rng, layer, steel, settings.size[0] / 256, settings.contrast)
    for _ in range(rng.poisson(2.5 * settings.distractors)):
        _faint_line(hand)
    for _ in range(rng.poisson(2.0 * settings.distractors)):
        _faint_spots(hand)
    for kind, outline in zip(STEEL_DEFECTS, layer.outlines, strict=True):
        # A defect may be drawn beside the strip, and a strip of its kind without it would be mislabelled.
        while kind in defects and outline.sum() < LEAST * hand.scale**2:
            _DRAW[kind](hand)
            outline[:, : steel[0]] = False
            outline[:, steel[1] :] = False
    return layer


def _pitting(hand: _Hand) -> None:
    """Groups of small dark pits, near each other in a band down the rows."""
    rng, scale = hand.rng, hand.scale
    first = hand.somewhere()
    for number in range(1 + rng.poisson(0.8)):
        centre = (
            first if number == 0 else (rng.uniform(0, hand.size[0]), first[1] + rng.normal(0, 18 * scale))
        )
        shape = blob(
            rng,
            hand.size,
            centre,
            area=hand.drawn(1050, 0.8, 110, 7000, power=2),
            aspect=float(np.clip(rng.lognormal(np.log(1.9), 0.45), 0.7, 6)),
            irregularity=0.22,
        )
        hand.outline("pitting", shape)
        inside = np.argwhere(shape.reach < 0.78)
        for row, col in inside[rng.permutation(len(inside))[: max(3, round(len(inside) / (55 * scale**2)))]]:
            place = (shape.place[0].start + row, shape.place[1].start + col)
            pit = blob(
                rng, hand.size, place, area=hand.drawn(11, 0.5, 5, 45, power=2), aspect=1.3, irregularity=0.2
            )
            hand.press(pit, -rng.uniform(0.3, 0.65) * np.clip(1.25 - pit.reach**2, 0, 1))


def _inclusion(hand: _Hand) -> None:
    """One or two short dark streaks."""
    rng, scale = hand.rng, hand.scale
    first = hand.somewhere(margin=-0.1)
    for number in range(1 + rng.poisson(0.35)):
        start = first if number == 0 else (rng.uniform(0, hand.size[0]), first[1] + rng.normal(0, 25 * scale))
        length, half = hand.drawn(85, 0.5, 25, 240), hand.drawn(6.5, 0.25, 4, 12)
        shape = line(
            rng,
            hand.size,
            (start[0] - length / 2, start[1]),
            length=length,
            half_width=half,
            lean=rng.normal(0, 0.03),
        )
        hand.outline("inclusion", shape)
        core = np.exp(-((shape.reach / 0.42) ** 2)) * (shape.reach < 1.1)
        broken = np.clip(0.8 + 0.5 * _along(rng, shape, 7 * scale), 0.1, 1.3)
        hand.press(shape, -rng.uniform(0.4, 0.7) * core * broken)


def _scratch(hand: _Hand) -> None:
    """Long bundles of fine lines down the rows, many from edge to edge, and now and then a scuffed spot."""
    rng = hand.rng
    group = hand.somewhere()[1]
    for _ in range(1 + rng.poisson(1.2)):
        row, col = hand.somewhere()
        if rng.random() < 0.5:
            col = group + rng.normal(0, 90 * hand.scale)
        if rng.random() < 0.16:
            _scuff(hand, (row, col))
            continue
        half = hand.drawn(10.5, 0.45, 4, 45)
        is_through = rng.random() < 0.24
        length = 1.3 * hand.size[0] if is_through else hand.drawn(165, 0.55, 35, 400)
        top = -0.15 * hand.size[0] if is_through else row - length / 2
        shape = line(rng, hand.size, (top, col), length=length, half_width=half, lean=rng.normal(0, 0.045))
        hand.outline("scratch", shape)
        _lines(hand, shape, half, strength=(0.4, 0.95))


def _lines(hand: _Hand, shape: Shape, half: float, *, strength: tuple[float, float]) -> None:
    """Fine parallel lines inside a shape, bright where metal was laid bare, else dark."""
    rng, scale = hand.rng, hand.scale
    change = rng.choice([-0.25, 0.25]) * strength[0] * np.clip(1 - shape.reach**2, 0, 1)
    for _ in range(1 + rng.poisson(half / (5 * scale))):
        width = max(0.5, rng.uniform(1.0, 2.4) * scale)
        profile = np.exp(-(((shape.offset - rng.uniform(-0.5, 0.5) * half) / width) ** 2))
        sign = 1.0 if rng.random() < 0.7 else -0.8
        along = np.clip(0.75 + 0.45 * _along(rng, shape, 14 * scale), 0, 1.4)
        new = sign * rng.uniform(*strength) * profile * along
        change = np.where(np.abs(new) > np.abs(change), new, change)
    hand.press(shape, change * (shape.reach < 1))


def _scuff(hand: _Hand, centre: tuple[float, float]) -> None:
    rng = hand.rng
    shape = blob(
        rng,
        hand.size,
        centre,
        area=hand.drawn(3000, 0.8, 150, 20000, power=2),
        aspect=float(np.clip(rng.lognormal(np.log(0.8), 0.5), 0.25, 3)),
        irregularity=0.2,
    )
    hand.outline("scratch", shape)
    rough = _rough(rng, shape, (5 * hand.scale, 0.9 * hand.scale))
    hand.press(shape, np.clip(1.1 - shape.reach, 0, 0.5) * 2 * (rng.uniform(0.05, 0.3) + 0.22 * rough))


def _patch(hand: _Hand) -> None:
    """Large blotches of corroded, rough metal with a ragged edge."""
    rng, scale = hand.rng, hand.scale
    first = hand.somewhere()
    for number in range(1 + rng.poisson(1.0)):
        centre = (
            first if number == 0 else (rng.uniform(0, hand.size[0]), first[1] + rng.normal(0, 190 * scale))
        )
        shape = blob(
            rng,
            hand.size,
            centre,
            area=hand.drawn(10500, 1.3, 350, 120000, power=2),
            aspect=float(np.clip(rng.lognormal(np.log(0.7), 0.45), 0.2, 2)),
            irregularity=0.26,
        )
        hand.outline("patch", shape)
        ragged = shape.reach + 0.13 * _rough(rng, shape, (5 * scale, 6 * scale))
        body = np.clip((0.97 - ragged) / 0.12, 0, 1)
        mottle = 0.13 * _rough(rng, shape, (7 * scale, 5 * scale)) + 0.1 * _rough(
            rng, shape, (1.4 * scale, 1.4 * scale)
        )
        tone = rng.uniform(0.15, 0.4) * (-1 if rng.random() < 0.7 else 1)
        rim = 0.25 * np.exp(-(((ragged - 0.93) / 0.06) ** 2))
        hand.press(shape, body * (tone + mottle) + rim * (shape.reach < 1.05))


def _faint_line(hand: _Hand) -> None:
    half = hand.drawn(3, 0.3, 1, 6)
    row, col = hand.somewhere(margin=0.2)
    shape = line(
        hand.rng,
        hand.size,
        (row - 60 * hand.scale, col),
        length=hand.drawn(110, 0.6, 20, 350),
        half_width=half,
        lean=hand.rng.normal(0, 0.05),
    )
    _lines(hand, shape, half, strength=(0.06, 0.16))


def _faint_spots(hand: _Hand) -> None:
    spot = blob(
        hand.rng,
        hand.size,
        hand.somewhere(),
        area=hand.drawn(60, 1.0, 6, 1500, power=2),
        aspect=1.2,
        irregularity=0.2,
    )
    hand.press(spot, hand.rng.uniform(-0.22, 0.14) * np.clip(1.2 - spot.reach, 0, 1))


def _along(rng: np.random.Generator, shape: Shape, sigma: float) -> NDArray[np.float64]:
    """Noise that changes down the rows alone ``(rows, 1)``."""
    return smooth_noise(rng, (max(shape.reach.shape[0], 1), 1), (sigma, 0))[: shape.reach.shape[0]].astype(
        np.float64
    )


def _rough(rng: np.random.Generator, shape: Shape, sigma: tuple[float, float]) -> NDArray[np.float64]:
    rows, cols = shape.reach.shape
    return smooth_noise(rng, (max(rows, 1), max(cols, 1)), sigma)[:rows, :cols].astype(np.float64)


_DRAW: dict[SteelDefect, Callable[[_Hand], None]] = {
    "pitting": _pitting,
    "inclusion": _inclusion,
    "scratch": _scratch,
    "patch": _patch,
}
