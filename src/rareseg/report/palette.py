"""Colours and shapes of strategies: safe for colour-blind readers, each with its own marker as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["ERROR_COLORS", "StrategyStyle", "strategy_style"]

NUM_COLORS: Final = 8
SYMBOLS: Final = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "x", "star")
ERROR_COLORS: Final = {"hit": "#56b4e9", "false": "#e69f00", "missed": "#a3195b", "other class": "#222222"}
"""Colours of an error map: right (TP), predicted but wrong (FP), missed (FN), taken for another class.

They differ in lightness too, so that readers with any colour vision tell them apart."""


@dataclass(frozen=True)
class StrategyStyle:
    """How one strategy is drawn in every chart.

    Args:
        color: Theme word of the colour, ``$s0`` .. ``$s7``.
        symbol: plotly marker symbol.
    """

    color: str
    symbol: str


def strategy_style(index: int) -> StrategyStyle:
    """Style of the strategy at ``index``; colours and shapes repeat out of step, so 56 differ.

    Example:
        >>> strategy_style(0)
        StrategyStyle(color='$s0', symbol='circle')
    """
    lap = index // NUM_COLORS
    return StrategyStyle(f"$s{index % NUM_COLORS}", SYMBOLS[(index + lap) % len(SYMBOLS)])
