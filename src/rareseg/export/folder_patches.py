"""Patches of images in a folder, to try an exported form on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rareseg.data.image_reading import ImageReading
from rareseg.errors import MissingFileError
from rareseg.types import Window

__all__ = ["folder_patches"]

_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")


def folder_patches(
    folder: Path, reading: ImageReading, *, number: int = 8, side: int = 256
) -> list[NDArray[np.generic]]:
    """Middles of images, evenly spread over a folder and its subfolders.

    Args:
        folder: Where the images are.
        reading: How they become the arrays that the network takes.
        number: Most patches.
        side: Most rows and columns of a patch.

    Raises:
        MissingFileError: There is no image.
        DataError: An image is damaged.
    """
    files = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in _ENDINGS)
    if not files:
        raise MissingFileError(f"'{folder}' holds no image ({', '.join(_ENDINGS)}); give a folder of images.")
    patches = []
    for place in np.linspace(0, len(files) - 1, min(number, len(files))).round():
        image = reading.open(files[int(place)])
        height, width = (image.factor * length for length in image.size)
        rows, cols = min(side, height), min(side, width)
        patches.append(image.read(Window((height - rows) // 2, (width - cols) // 2, rows, cols)))
    return patches
