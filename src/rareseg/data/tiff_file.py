"""TIFF through tifffile: any number of bands, interleaved, planar or as pages, 8 to 64 bits."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rareseg.data.image_header import ImageHeader
from rareseg.errors import MissingFileError, UnreadableFileError
from rareseg.types import Window

if TYPE_CHECKING:
    import tifffile

__all__ = [
    "band_axis",
    "is_pillow_tiff",
    "opened_tiff",
    "raw_pixels",
    "read_tiff_image",
    "read_tiff_mask",
    "target_type",
    "tiff_header",
]

_NATIVE = ("uint8", "uint16", "float32")
# Compressions that tifffile decodes without help: none, deflate (under two codes) and LZMA.
_PLAIN_COMPRESSIONS = {1, 8, 32946, 34925}


# Damage is reported as an error; without a handler of its own, tifffile also prints lines about it.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


def tiff_header(path: Path) -> ImageHeader:
    """Size, bands and number type of the first image of a TIFF.

    Raises:
        MissingFileError: There is no such file.
        UnreadableFileError: The file is damaged, or not a picture of one or more bands.
    """
    with opened_tiff(path) as series:
        axis = band_axis(series, path)
        sizes = list(series.shape)
        num_bands = 1 if axis is None else sizes.pop(axis)
        return ImageHeader(sizes[0], sizes[1], num_bands, target_type(series.dtype, path))


def read_tiff_image(path: Path, window: Window | None = None) -> NDArray[np.generic]:
    """Pixels ``(c, h, w)``; uncompressed files are read by the window only.

    Integers of other widths and float64 become float32, 1-bit pixels 0 and 255.

    Raises:
        MissingFileError: There is no such file.
        UnreadableFileError: The file is truncated, damaged or of an unknown compression.
    """
    with opened_tiff(path) as series:
        dtype = target_type(series.dtype, path)
        axis = band_axis(series, path)
        pixels = raw_pixels(series, path, mapped=window is not None)
        pixels = pixels[None] if axis is None else np.moveaxis(pixels, axis, 0)
        if window is not None:
            pixels = pixels[:, *window.slices]
        if pixels.dtype == np.bool_:
            pixels = pixels.astype(np.uint8) * np.uint8(255)
        return np.ascontiguousarray(pixels.astype(dtype))


def read_tiff_mask(path: Path) -> NDArray[np.generic]:
    """Pixels ``(h, w)`` or ``(h, w, c)`` as the file holds them.

    Raises:
        MissingFileError: There is no such file.
        UnreadableFileError: The file is truncated, damaged or of an unknown compression.
    """
    with opened_tiff(path) as series:
        axis = band_axis(series, path)
        pixels = raw_pixels(series, path, mapped=False)
        if axis is not None:
            pixels = np.moveaxis(pixels, axis, -1)
            pixels = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
        return np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder("=")))


def is_pillow_tiff(path: Path) -> bool:
    """Whether Pillow should read a TIFF: a palette, JPEG's colours, or a compression that tifffile lacks.

    Only one to four 8-bit bands, or one 16-bit band, are left to Pillow: it would shorten all others.

    Raises:
        MissingFileError: There is no such file.
        UnreadableFileError: The file is damaged.
    """
    with opened_tiff(path) as series:
        page = series.keyframe
        if int(page.photometric) == 3 and series.ndim == 2:
            return True
        if int(page.compression) in _PLAIN_COMPRESSIONS or _has_imagecodecs():
            return False
        num_bands = int(page.samplesperpixel)
        return len(series) == 1 and (
            (page.bitspersample in (1, 8) and num_bands <= 4) or (page.bitspersample == 16 and num_bands == 1)
        )


def _has_imagecodecs() -> bool:
    from importlib.util import find_spec

    return find_spec("imagecodecs") is not None


@contextlib.contextmanager
def opened_tiff(path: Path) -> Iterator[tifffile.TiffPageSeries]:
    """The first image of the file; whatever tifffile raises becomes one line with the path and the cure."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            series = file.series[0]
            if 0 in series.shape:
                raise ValueError("it has no pixels")
            yield series
    except UnreadableFileError:
        raise
    except FileNotFoundError:
        raise MissingFileError(f"The file '{path}' does not exist; put it there or mend its name.") from None
    except MemoryError:
        raise UnreadableFileError(
            f"'{path}' does not fit into memory; cut it into smaller images, or save it uncompressed."
        ) from None
    # Damage shows as one of a dozen exceptions, depending on the tag that it hits.
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        cure = "copy it anew from its origin, or list its id under `exclude`"
        if "imagecodecs" in reason:
            cure = (
                "install the package that has the decoder (pip install imagecodecs), or save it uncompressed"
            )
        raise UnreadableFileError(f"'{path}' cannot be decoded ({reason}); {cure}.") from None


def band_axis(series: Any, path: Path) -> int | None:
    """Which axis counts the bands; None for a single band without an axis of its own."""
    if series.ndim == 2:
        return None
    if series.ndim == 3:
        axes = series.axes
        if "S" in axes:
            return int(axes.index("S"))
        # Bands last but not marked as samples is how numpy arrays are often written: as many narrow pages.
        return 2 if series.shape[2] <= 32 < series.shape[0] else 0
    raise UnreadableFileError(
        f"'{path}' should hold one image of one or more bands, but has the axes {series.axes} of "
        f"{' x '.join(map(str, series.shape))}; save each image in a file of its own."
    )


def target_type(dtype: np.dtype[Any], path: Path) -> str:
    """Number type that pixels come in: 8 and 16 bits as they are, all others as float32."""
    if dtype == np.bool_:
        return "uint8"
    if dtype.kind not in "iuf":
        raise UnreadableFileError(
            f"'{path}' holds numbers of the type {dtype}; save it as 8- or 16-bit or floating-point numbers."
        )
    return dtype.newbyteorder("=").name if dtype.newbyteorder("=").name in _NATIVE else "float32"


def raw_pixels(series: Any, path: Path, *, mapped: bool) -> NDArray[np.generic]:
    """All pixels, or a map of the file where that is possible and asked for."""
    pixels: NDArray[np.generic]
    if mapped and series.dataoffset is not None:
        pixels = np.memmap(path, series.dtype, "r", series.dataoffset, series.shape)
    else:
        pixels = series.asarray()
    if pixels.shape != series.shape:
        raise ValueError(f"{pixels.shape} pixels where {series.shape} were promised")
    return pixels
