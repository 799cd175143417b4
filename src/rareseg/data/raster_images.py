"""Images of any number of bands, read window by window, with pixels that hold no data."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rareseg.data.class_pixels import map_in_threads
from rareseg.data.image_header import ImageHeader
from rareseg.data.raster_file import RasterFiles
from rareseg.data.samples import Sample
from rareseg.errors import DataError, OptionError, UnreadableFileError
from rareseg.types import Window

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

__all__ = ["RasterImages"]


class RasterImages:
    """An `ImageReader` of whatever GDAL opens.

    A value is missing where it is the file's nodata value (or the one of the settings), under the file's mask
    of valid pixels, NaN or infinite; it comes as NaN. Whole numbers of 8 and 16 bits stay what they are unless
    some file of the dataset can have missing values: then all come as float32. An alpha channel is a band like
    others.

    Args:
        samples: The samples by id.
        nodata: Value of pixels without data instead of the files' own.
        bands: Bands that are used: a pixel that lacks one of them is invalid. None for all.
    """

    windowed = True

    def __init__(
        self,
        samples: Mapping[str, Sample],
        *,
        nodata: float | None = None,
        bands: Sequence[int] | None = None,
    ) -> None:
        self._samples = samples
        self._nodata = nodata
        self._bands = None if bands is None else list(bands)
        self._files = RasterFiles()
        self._has_missing: bool | None = nodata is not None or None
        self._last = threading.local()

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_last"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _last=threading.local())

    def header(self, sample: str) -> ImageHeader:
        """Size, bands and number type from the file's header."""
        path = self.path(sample)
        with self._files.opened(path) as dataset:
            dtype = _number_type(dataset, path)
            height, width, num_bands = dataset.height, dataset.width, dataset.count
        whole = dtype.name in ("uint8", "uint16") and not self._any_missing()
        return ImageHeader(height, width, num_bands, dtype.name if whole else "float32")

    def path(self, sample: str) -> Path:
        """The image file."""
        return self._samples[sample].image

    def read(self, sample: str, window: Window | None = None) -> NDArray[np.generic]:
        """Pixels ``(c, h, w)`` in the file's own numbers; NaN where there are no data."""
        path = self.path(sample)
        target = self.header(sample).dtype
        with self._files.opened(path) as dataset:
            box = window or Window(0, 0, dataset.height, dataset.width)
            pixels: NDArray[Any] = dataset.read(
                window=(_span(box.row, box.height), _span(box.col, box.width))
            )
            missing = _missing(dataset, pixels, self._nodata, box, path) if target == "float32" else None
        if missing is not None:
            with np.errstate(over="ignore"):
                pixels = pixels.astype(np.float32)
            pixels[missing | ~np.isfinite(pixels)] = np.nan
        self._last.read = (self._key(sample, window), self._invalid_pixels(pixels))
        return pixels

    def invalid(self, sample: str, window: Window | None = None) -> NDArray[np.bool_] | None:
        """Where a used band has no data, ``(h, w)``; None where there is no such pixel in the window."""
        if self.header(sample).dtype != "float32":
            return None
        # Image and mask of a window are mostly read one after the other: the second needs no second reading.
        if getattr(self._last, "read", (None,))[0] != self._key(sample, window):
            self.read(sample, window)
        found: NDArray[np.bool_] | None = self._last.read[1]
        return found

    def _invalid_pixels(self, pixels: NDArray[Any]) -> NDArray[np.bool_] | None:
        if pixels.dtype != np.float32:
            return None
        used = pixels
        if self._bands is not None and max(self._bands) < len(pixels) and min(self._bands) >= 0:
            used = pixels[self._bands]
        missing = np.isnan(used).any(axis=0)
        return missing if missing.any() else None

    def _key(self, sample: str, window: Window | None) -> tuple[Any, ...]:
        status = self.path(sample).stat()
        return sample, window, status.st_size, status.st_mtime_ns

    def _any_missing(self) -> bool:
        """Whether some file of the dataset can have missing values, found out once from all headers."""
        if self._has_missing is None:
            paths = [sample.image for sample in self._samples.values()]
            self._has_missing = any(list(map_in_threads(self._can_miss, paths)))
        return self._has_missing

    def _can_miss(self, path: Path) -> bool:
        try:
            with self._files.opened(path) as dataset:
                return any(value is not None for value in dataset.nodatavals) or _has_mask(dataset)
        except DataError:
            return False  # its own reading says what is wrong with it


def _number_type(dataset: DatasetReader, path: Path) -> np.dtype[Any]:
    if not dataset.count:
        raise UnreadableFileError(
            f"'{path}' has no bands of its own, but is a collection of rasters; save one of them in a file."
        )
    if len(set(dataset.dtypes)) > 1:
        raise UnreadableFileError(
            f"'{path}' has bands of different number types ({', '.join(dataset.dtypes)}); save it with one."
        )
    dtype: np.dtype[Any]
    try:
        dtype = np.dtype(dataset.dtypes[0])
    except TypeError:
        dtype = np.dtype(np.complex64)  # GDAL's complex integers, which numpy lacks
    if dtype.kind not in "iuf":
        raise UnreadableFileError(
            f"'{path}' holds numbers of the type {dataset.dtypes[0]}; save it as whole or floating-point numbers."
        )
    return dtype


def _missing(
    dataset: DatasetReader, pixels: NDArray[Any], nodata: float | None, box: Window, path: Path
) -> NDArray[np.bool_]:
    """Where values are marked as missing, ``(c, h, w)``; NaN is not looked for."""
    if nodata is not None and not _can_hold(pixels.dtype, nodata):
        raise OptionError(
            f"raster.nodata is {nodata:g}, which the {pixels.dtype} numbers of '{path}' cannot hold; mend or "
            "remove it."
        )
    missing = np.zeros(pixels.shape, np.bool_)
    values = dataset.nodatavals if nodata is None else [nodata] * len(pixels)
    for band, value in enumerate(values):
        if value is not None and _can_hold(pixels.dtype, value):
            with np.errstate(over="ignore"):
                missing[band] = pixels[band] == np.array(value).astype(pixels.dtype)
    if _has_mask(dataset):
        missing |= dataset.read_masks(window=(_span(box.row, box.height), _span(box.col, box.width))) == 0
    return missing


def _can_hold(dtype: np.dtype[Any], value: float) -> bool:
    if dtype.kind == "f":
        return True
    return float(value).is_integer() and np.iinfo(dtype).min <= value <= np.iinfo(dtype).max


def _has_mask(dataset: DatasetReader) -> bool:
    """Whether the file says by a mask of its own which pixels are valid."""
    from rasterio.enums import MaskFlags

    flags = dataset.mask_flag_enums[0]
    return MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags


def _span(start: int, length: int) -> tuple[int, int]:
    return start, start + length
