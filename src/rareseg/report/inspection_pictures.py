"""Previews for an HTML page: the picture, and its annotation laid over a faded copy."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rareseg.inspection.previews import Preview
from rareseg.inspection.transforms import TRANSFORMS
from rareseg.types import IGNORE_INDEX

__all__ = ["Picture", "overlay", "picture"]

IGNORED = (140, 140, 140)
FADE = 0.55


@dataclass(frozen=True)
class Picture:
    """An image for an HTML page; its size keeps the place while it loads."""

    uri: str
    width: int
    height: int


def picture(preview: Preview, *, transform: str = "identity") -> Picture:
    """The picture of a sample, flipped or turned."""
    channels = preview.picture if preview.picture.ndim == 3 else preview.picture[..., None]
    turned = TRANSFORMS[transform](channels.transpose(2, 0, 1)).transpose(1, 2, 0)
    return _encoded(turned[..., 0] if turned.shape[2] == 1 else turned, "jpeg")


def overlay(preview: Preview, colors: Sequence[str]) -> Picture:
    """The picture faded to white under the colours of its classes; background stays clear."""
    rgb = preview.picture if preview.picture.ndim == 3 else np.repeat(preview.picture[..., None], 3, -1)
    table = np.zeros((IGNORE_INDEX + 1, 3), np.uint8)
    for index, color in enumerate(colors):
        table[index] = [int(color[place : place + 2], 16) for place in (1, 3, 5)]
    table[IGNORE_INDEX] = IGNORED
    faded = (rgb * (1 - FADE) + 255 * FADE).astype(np.uint8)
    return _encoded(np.where((preview.mask == 0)[..., None], faded, table[preview.mask]), "png")


def _encoded(pixels: NDArray[np.uint8], kind: str) -> Picture:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, kind, quality=85, optimize=True)
    uri = f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"
    return Picture(uri, width=pixels.shape[1], height=pixels.shape[0])
