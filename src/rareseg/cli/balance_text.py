"""The class balance of a split as a table for the terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["balance_text"]

_BLANK = "(blank)"
_COLUMNS = ("images", "groups", "pixels")
_GAP = "  "


def balance_text(table: Mapping[str, Mapping[str, Any]]) -> str:
    """Lay out which share of the images, how many groups and which share of the pixels hold each class.

    Args:
        table: What `rareseg.inspection.split_table.split_table` returned.

    Returns:
        Several lines of plain text: one for each class, and one for the images that show the background only.

    Example:
        >>> part = {"num_images": 8, "num_groups": 2, "class_images": {"good": 8, "crack": 1}, "blank_images": 7,
        ...         "class_groups": {"good": 2, "crack": 1}, "shares": {"good": 0.99993, "crack": 0.00007}}
        >>> print(balance_text({"train": part}))
                 train:
                 8 images in 2 groups
        class    images  groups   pixels
        good       100%       2   99.99%
        crack     12.5%       1  0.0070%
        (blank)   87.5%
    """
    names = list(next(iter(table.values()))["class_images"])
    stub = ["", "", "class", *names, _BLANK]
    columns = [_padded(stub), *(_part_lines(part, row, names) for part, row in table.items())]
    return "\n".join(_GAP.join(cells).rstrip() for cells in zip(*columns, strict=True))


def _part_lines(part: str, row: Mapping[str, Any], names: list[str]) -> list[str]:
    """The lines of one part, all of one width."""
    images = max(1, row["num_images"])
    cells = [list(_COLUMNS)]
    for name in names:
        share = row["class_images"][name] / images
        cells.append([_percent(share), str(row["class_groups"][name]), _percent(row["shares"][name])])
    cells.append([_percent(row["blank_images"] / images), "", ""])
    widths = [max(len(line[column]) for line in cells) for column in range(len(_COLUMNS))]
    lines = [
        _GAP.join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True)) for line in cells
    ]
    return _padded([f"{part}:", f"{row['num_images']} images in {row['num_groups']} groups", *lines])


def _padded(lines: list[str]) -> list[str]:
    width = max(len(line) for line in lines)
    return [f"{line:<{width}}" for line in lines]


def _percent(share: float) -> str:
    """One decimal, more below 1 % and above 99 %, and never an exponent: columns are compared by eye."""
    value = 100 * share
    if value < 1e-6 or value >= 99.995:
        return f"{value:.0f}%"
    decimals = 2 if value > 99 else max(1, 1 - math.floor(math.log10(value)))
    return f"{value:.{decimals}f}%"
