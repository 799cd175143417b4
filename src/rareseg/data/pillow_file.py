"""PNG, JPEG, BMP and plain TIFF through Pillow, in the file's own numbers."""

from __future__ import annotations

import contextlib
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from rareseg.data.image_header import ImageHeader
from rareseg.errors import MissingFileError, UnreadableFileError
from rareseg.types import Window

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["MaskLook", "has_palette", "pillow_header", "read_pillow_image", "read_pillow_mask"]

MaskLook = Literal["raw", "color", "grey"]

MAX_PIXELS = 1 << 31
"""A scan of 40 000 x 40 000 pixels is below this; Pillow's own limit stops at a ninth of it."""

# Bands and number type of the modes that arrays are taken from as they are.
_PLAIN_MODES: dict[str, tuple[int, str]] = {
    "L": (1, "uint8"),
    "LA": (2, "uint8"),
    "RGB": (3, "uint8"),
    "RGBA": (4, "uint8"),
    "CMYK": (4, "uint8"),
    "I;16": (1, "uint16"),
    "I;16L": (1, "uint16"),
    "I;16B": (1, "uint16"),
    "F": (1, "float32"),
}


def pillow_header(path: Path) -> ImageHeader:
    """Size, bands and number type.

    Raises:
        MissingFileError: There is no such file.
        UnreadableFileError: The file is no image, or of a kind that Pillow would shorten to 8 bits.
    """
    with _opened(path) as image:
        num_bands, dtype = _layout(image, path)
        return ImageHeader(image.height, image.width, num_bands, dtype)


def read_pillow_image(path: Path, window: Window | None = None) -> NDArray[np.generic]:
    """Pixels ``(c, h, w)``; a palette is resolved to RGB.

    Raises:
        MissingFileError: There is no such file.
        UnreadableFileError: The file is truncated or no image.
    """
    with _opened(path) as image:
        num_bands, dtype = _layout(image, path)
        if image.mode not in _PLAIN_MODES and image.mode not in ("1", "I"):
            image = _to_rgb(image)
        if window is not None:
            row, col, height, width = window
            image = image.crop((col, row, col + width, row + height))
        pixels = np.asarray(image)
        if pixels.dtype == np.bool_:
            pixels = pixels.astype(np.uint8) * np.uint8(255)
        pixels = pixels.astype(dtype, copy=False)
        stacked = pixels[None] if num_bands == 1 else pixels.transpose(2, 0, 1)
        return np.ascontiguousarray(stacked)


def read_pillow_mask(path: Path, look: MaskLook = "raw") -> NDArray[np.generic]:
    """Pixels ``(h, w)`` or ``(h, w, c)``; see `read_mask_file`.

    Raises:
        MissingFileError: There is no such file.
        UnreadableFileError: The file is truncated or no image.
    """
    with _opened(path) as image:
        _layout(image, path)
        if image.mode in ("P", "PA") and look != "raw":
            image = _to_rgb(image) if look == "color" else _to_rgb(image).convert("L")
        pixels = np.asarray(image)
        return pixels.astype(pixels.dtype.newbyteorder("="), copy=True)


def _to_rgb(image: Image) -> Image:
    """Colours without alpha; a palette goes over RGBA, since Pillow warns of the straight way."""
    return (image.convert("RGBA") if image.mode in ("P", "PA") else image).convert("RGB")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image]:
    """An open image; whatever Pillow raises becomes one line with the path and the cure."""
    from PIL import Image, UnidentifiedImageError

    # Pillow keeps its limit in one place for the whole process; None means that the user lifted it.
    if Image.MAX_IMAGE_PIXELS is not None:
        Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, MAX_PIXELS)
    try:
        with Image.open(path) as image:
            yield image
    except FileNotFoundError:
        raise MissingFileError(f"The file '{path}' does not exist; put it there or mend its name.") from None
    except UnidentifiedImageError:
        raise UnreadableFileError(_not_an_image(path)) from None
    except Image.DecompressionBombError:
        raise UnreadableFileError(
            f"'{path}' has more than {2 * MAX_PIXELS:.1e} pixels; cut it into smaller images."
        ) from None
    except MemoryError:
        raise UnreadableFileError(
            f"'{path}' does not fit into memory; cut it into smaller images, or save it uncompressed as tif."
        ) from None
    # Which of these is raised depends on where the damage is.
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnreadableFileError(
            f"'{path}' cannot be decoded ({reason}); copy it anew from its origin, "
            "or list its id under `exclude`."
        ) from None


def _not_an_image(path: Path) -> str:
    size = path.stat().st_size
    found = "is empty (0 bytes)" if size == 0 else f"is not an image that can be read ({size} bytes)"
    return f"'{path}' {found}; copy it anew from its origin, or save it as png, jpg, tif or bmp."


def _layout(image: Image, path: Path) -> tuple[int, str]:
    """Bands and number type, refusing what Pillow would shorten to 8 bits without a word."""
    if image.format == "PNG":
        depth, color_type = _png_depth(path)
        if depth == 16 and color_type != 0:
            raise UnreadableFileError(
                f"'{path}' is a 16-bit PNG with {_PNG_CHANNELS.get(color_type, 'several')} channels, of "
                "which the decoder keeps 8 bits only; convert it to a 16-bit tif."
            )
        if depth == 16:
            return 1, "uint16"
    if image.mode == "1":
        return 1, "uint8"
    if image.mode == "I":
        return 1, "float32"
    return _PLAIN_MODES.get(image.mode, (3, "uint8"))


_PNG_CHANNELS = {2: "3", 4: "2", 6: "4"}


def _png_depth(path: Path) -> tuple[int, int]:
    """Bit depth and colour type from the header chunk, which Pillow does not pass on."""
    with path.open("rb") as file:
        header = file.read(26)
    return header[24], header[25]


def has_palette(path: Path) -> bool:
    """Whether a file's pixels are numbers of colours in a palette; False for TIFF.

    Raises:
        MissingFileError: There is no such file.
        UnreadableFileError: The file is no image.
    """
    if path.suffix.lower() in (".tif", ".tiff"):
        return False
    with _opened(path) as image:
        return image.mode in ("P", "PA")
