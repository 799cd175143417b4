"""Read images and masks from files: one door for every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rareseg.data.image_header import ImageHeader
from rareseg.data.pillow_file import MaskLook, pillow_header, read_pillow_image, read_pillow_mask
from rareseg.data.tiff_file import is_pillow_tiff, read_tiff_image, read_tiff_mask, tiff_header
from rareseg.errors import DataError, UnreadableFileError
from rareseg.types import Window

__all__ = ["IMAGE_ENDINGS", "image_size", "read_header", "read_image_file", "read_mask_file"]

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
"""Endings of image files that are looked for, in lower case."""


def read_header(path: Path) -> ImageHeader:
    """Size, bands and number type of an image, from its header alone.

    Args:
        path: A png, jpg, tif or bmp file.

    Raises:
        MissingFileError: There is no such file.
        UnreadableFileError: The file is damaged, no image, or of a kind that cannot be read without loss.
    """
    return tiff_header(path) if _by_tifffile(path) else pillow_header(path)


def image_size(path: Path) -> tuple[int, int]:
    """Height and width in pixels, from the header alone.

    Raises:
        MissingFileError: There is no such file.
        UnreadableFileError: The file is damaged or no image.
    """
    header = read_header(path)
    return header.height, header.width


def read_image_file(path: Path, window: Window | None = None) -> NDArray[np.generic]:
    """Read an image in its own numbers.

    Grey, RGB, RGBA and CMYK keep their channels, a palette becomes RGB, the pages of a TIFF are bands. Pixels
    are as stored: a turn noted in a photograph's EXIF data is not applied, since masks know nothing of it.

    Args:
        path: A png, jpg, tif or bmp file.
        window: The part to read, which must lie inside; by default all.

    Returns:
        ``(c, h, w)`` uint8, uint16 or float32.

    Raises:
        MissingFileError: There is no such file.
        UnreadableFileError: The file is truncated, damaged, no image, or a 16-bit colour PNG.
        DataError: The window reaches outside the image.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Image.new("RGB", (6, 4), (9, 8, 7)).save(Path(folder) / "a.png")
        ...     read_image_file(Path(folder) / "a.png", Window(0, 0, 1, 2)).tolist()
        [[[9, 9]], [[8, 8]], [[7, 7]]]
    """
    path = Path(path)
    by_tifffile = _by_tifffile(path)
    if window is not None:
        _check_inside(window, tiff_header(path) if by_tifffile else pillow_header(path), path)
    return read_tiff_image(path, window) if by_tifffile else read_pillow_image(path, window)


def read_mask_file(path: Path, look: MaskLook = "raw") -> NDArray[np.generic]:
    """Read a mask as it is stored.

    Args:
        path: A png, jpg, tif or bmp file.
        look: What a palette PNG gives: ``raw`` its indices, ``color`` or ``grey`` what one sees of it.

    Returns:
        ``(h, w)``, or ``(h, w, c)`` for several channels; booleans for a file of 1 bit.

    Raises:
        MissingFileError: There is no such file.
        UnreadableFileError: The file is truncated, damaged or no image.
    """
    path = Path(path)
    return read_tiff_mask(path) if _by_tifffile(path) else read_pillow_mask(path, look)


def _by_tifffile(path: Path) -> bool:
    path = Path(path)
    if path.is_dir():
        raise UnreadableFileError(f"'{path}' is a folder, but an image file was expected; name the file.")
    return path.suffix.lower() in (".tif", ".tiff") and not is_pillow_tiff(path)


def _check_inside(window: Window, header: ImageHeader, path: Path) -> None:
    row, col, height, width = window
    if (
        min(row, col) < 0
        or min(height, width) < 1
        or row + height > header.height
        or col + width > header.width
    ):
        raise DataError(
            f"'{path}' has {header.height} x {header.width} pixels, so it does not hold the box (row {row}, "
            f"col {col}, height {height}, width {width}); give a box inside the image."
        )
