"""Label maps as small transparent pictures that lie over the input, as data URIs."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rareseg.report.load_runs import StudyRuns
from rareseg.report.palette import ERROR_COLORS
from rareseg.types import IGNORE_INDEX

__all__ = ["IGNORED_COLOR", "class_overlay", "data_uri", "error_overlay"]

IGNORED_COLOR: Final = "#8c8c8c"
"""Colour of pixels that do not count."""


def class_overlay(labels: NDArray[np.uint8], study: StudyRuns, majority: int) -> str:
    """Classes in their colours; the majority lets the input through."""
    colors = {i: study.class_colors[n] for i, n in enumerate(study.class_names) if i != majority}
    return _indexed_uri(labels, {**colors, IGNORE_INDEX: IGNORED_COLOR})


def error_overlay(target: NDArray[np.uint8], prediction: NDArray[np.uint8], majority: int) -> str:
    """Rare classes only: hit, false, missed, and one rare class taken for another."""
    is_rare, says_rare = target != majority, prediction != majority
    errors = np.zeros(target.shape, np.uint8)
    errors[says_rare & ~is_rare] = 2
    errors[is_rare & ~says_rare] = 3
    errors[is_rare & says_rare] = 4
    errors[is_rare & (target == prediction)] = 1
    errors[target == IGNORE_INDEX] = 5
    return _indexed_uri(errors, dict(enumerate([*ERROR_COLORS.values(), IGNORED_COLOR], start=1)))


def _indexed_uri(indices: NDArray[np.uint8], colors: Mapping[int, str]) -> str:
    """A palette PNG in which every index without a colour is transparent."""
    from PIL import Image

    lookup = np.zeros(256, np.uint8)
    for position, index in enumerate(colors, start=1):
        lookup[index] = position
    picture = Image.fromarray(lookup[indices])
    palette = [0, 0, 0]
    for color in colors.values():
        palette += [int(color[at : at + 2], 16) for at in (1, 3, 5)]
    picture.putpalette(palette)
    return _uri(picture, transparency=0, bits=4 if len(colors) < 16 else 8)


def data_uri(pixels: NDArray[np.uint8]) -> str:
    from PIL import Image

    return _uri(Image.fromarray(np.ascontiguousarray(pixels)))


def _uri(picture: Any, **options: Any) -> str:
    file = io.BytesIO()
    picture.save(file, format="PNG", optimize=True, **options)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
