"""What masks hold, from looking at some of them: kind, values or colours, and what is ignored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rareseg.data.image_file import read_mask_file
from rareseg.data.pillow_file import has_palette
from rareseg.errors import ConfigError
from rareseg.types import IGNORE_INDEX

__all__ = ["MASKS_LOOKED_AT", "MOST_CLASSES", "MaskGuess", "guess_masks", "guess_values"]

MASKS_LOOKED_AT = 200
"""Enough that a class in one image of a hundred is rarely missed; decoding them takes about a second."""

MOST_CLASSES = 64
"""More values or colours than this are not taken for classes."""


@dataclass(frozen=True)
class MaskGuess:
    """Part of what stands under ``masks`` in dataset.yaml."""

    kind: Literal["indexed", "rgb", "binary"]
    ignore: int | None
    threshold: int | None = None


def guess_masks(paths: Sequence[Path], names: Sequence[str]) -> tuple[MaskGuess, list[dict[str, Any]]]:
    """Guess how masks are stored and which classes they hold.

    Small values that are not all 0 and 255 are indices; 255 beside them is ignored. Grey masks with 0
    and 255, or with many values as blurred edges make them, are binary. Colours are classes, the one of
    most pixels first.

    Args:
        paths: Some masks.
        names: Names of the classes if they are known, background first.

    Returns:
        The kind of mask, and the list ``classes`` of dataset.yaml.

    Raises:
        ConfigError: The masks hold too many values or colours to be classes.
        DataError: A mask cannot be read.
    """
    grey: Counter[int] = Counter()
    colors: Counter[tuple[int, int, int]] = Counter()
    from_palette = False
    for path in paths:
        raw = read_mask_file(path)
        from_palette |= has_palette(path)
        if raw.ndim == 3 and raw.shape[2] >= 3 and _is_colored(raw):
            colors.update(_count_colors(raw, path))
        else:
            grey.update(_count_values(raw if raw.ndim == 2 else raw[..., 0], path))
    if colors:
        for value, number in grey.items():
            colors[(value, value, value)] += number
        return _from_colors(colors, paths[0])
    return guess_values(grey, names, paths[0], from_palette=from_palette)


def guess_values(
    grey: Counter[int], names: Sequence[str], example: Path, *, from_palette: bool = False
) -> tuple[MaskGuess, list[dict[str, Any]]]:
    """Guess what the values of grey masks mean.

    Args:
        grey: Pixels of each value.
        names: Names of the classes if they are known, background first.
        example: A file that holds them, for messages.
        from_palette: Whether they are numbers of colours.

    Returns:
        The kind of mask, and the list ``classes`` of dataset.yaml.

    Raises:
        ConfigError: There are too many values to be classes.
    """
    values = sorted(grey)
    is_binary = not from_palette and (set(values) <= {0, 255} or _looks_blurred(grey)) and values != [0]
    if is_binary:
        known = len(names) == 2
        classes = [
            {"name": names[0] if known else "background"},
            {"name": names[1] if known else "foreground"},
        ]
        return MaskGuess("binary", None, 127), classes
    return _from_values(values, names, example)


def _is_colored(raw: NDArray[np.generic]) -> bool:
    return bool((raw[..., 0] != raw[..., 1]).any() or (raw[..., 0] != raw[..., 2]).any())


def _count_values(raw: NDArray[Any], path: Path) -> dict[int, int]:
    if raw.dtype.kind not in "bui":
        raise ConfigError(
            f"The mask '{path}' holds {raw.dtype}, but whole numbers were expected; save it as 8 bit."
        )
    if raw.dtype == np.uint8:
        numbers = np.bincount(raw.ravel(), minlength=256)
        return {value: int(number) for value, number in enumerate(numbers) if number}
    values, numbers = np.unique(raw, return_counts=True)
    return dict(zip((int(value) for value in values), (int(number) for number in numbers), strict=True))


def _count_colors(raw: NDArray[Any], path: Path) -> dict[tuple[int, int, int], int]:
    if raw.dtype != np.uint8:
        raise ConfigError(
            f"The mask '{path}' holds colours of {raw.dtype}, but 8 bit were expected; save it as RGB."
        )
    packed = raw[..., 0].astype(np.uint32) << 16 | raw[..., 1].astype(np.uint32) << 8 | raw[..., 2]
    return {
        (value >> 16, value >> 8 & 255, value & 255): number
        for value, number in _count_values(packed, path).items()
    }


def _looks_blurred(grey: Counter[int]) -> bool:
    """Nearly all pixels at the two ends, and many values between them."""
    total = sum(grey.values())
    ends = sum(number for value, number in grey.items() if value <= 32 or 223 <= value <= 255)
    return max(grey) <= 255 and grey[255] + grey[254] + grey[253] > 0 and len(grey) > 8 and ends > 0.9 * total


def _from_colors(
    colors: Counter[tuple[int, int, int]], example: Path
) -> tuple[MaskGuess, list[dict[str, Any]]]:
    if len(colors) > MOST_CLASSES:
        raise ConfigError(
            f"The masks (such as '{example}') hold {len(colors)} colours, too many to be classes; save them "
            "as png without blurred edges, or write dataset.yaml by hand after docs/formats.md."
        )
    ordered = [color for color, _ in colors.most_common()]
    classes = [
        {
            "name": _name(index),
            "color": "#{:02x}{:02x}{:02x}".format(*color),
        }
        for index, color in enumerate(ordered)
    ]
    return MaskGuess("rgb", None), _at_least_two(classes)


def _from_values(
    values: Sequence[int], names: Sequence[str], example: Path
) -> tuple[MaskGuess, list[dict[str, Any]]]:
    has_ignore = IGNORE_INDEX in values and len(values) > 1
    found = [value for value in values if not (has_ignore and value == IGNORE_INDEX)]
    if len(found) > MOST_CLASSES:
        raise ConfigError(
            f"The masks (such as '{example}') hold {len(found)} values, too many to be classes; use masks "
            "saved without loss, or write dataset.yaml by hand after docs/formats.md."
        )
    if names and max(found) < len(names):
        classes: list[dict[str, Any]] = [{"name": name, "value": value} for value, name in enumerate(names)]
    else:
        classes = [
            {"name": _name(index), "value": value}
            for index, value in enumerate(sorted({0, *found}) if min(found) <= 1 else found)
        ]
    ignore = IGNORE_INDEX if max(item["value"] for item in classes) < IGNORE_INDEX else None
    return MaskGuess("indexed", ignore), _at_least_two(classes)


def _name(index: int) -> str:
    return "background" if index == 0 else f"class_{index}"


def _at_least_two(classes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(classes) > 1:
        return classes
    second: dict[str, Any] = {"name": "class_1"}
    if "value" in classes[0]:
        second["value"] = int(classes[0]["value"]) + 1
    else:
        second["color"] = "#ff0000" if classes[0]["color"] != "#ff0000" else "#00ff00"
    return [*classes, second]
