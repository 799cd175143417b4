"""How a run reads images, kept with it, so that images without a dataset around them are read alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rareseg.config.dataset import DatasetSettings
from rareseg.data.image_file import image_size, read_image_file
from rareseg.data.image_reader import ImageReader
from rareseg.data.raster_images import RasterImages
from rareseg.data.resampling import enlarge, source_window
from rareseg.data.samples import Sample
from rareseg.data.tiff_file import is_pillow_tiff
from rareseg.data.tiff_windows import TiffWindows
from rareseg.types import Window

__all__ = ["ImageReading", "OpenImage"]


@dataclass(frozen=True)
class OpenImage:
    """An image as a network sees it.

    Attributes:
        size: Rows and columns of the file.
        factor: Pixels along each axis that `read` gives for one of the file.
        read: Gives the used bands ``(c, h, w)`` of windows, in enlarged pixels.
        invalid: Where the file has no data in a window of its own pixels, ``(h, w)``; None where it has all.
    """

    size: tuple[int, int]
    factor: int
    read: Callable[[Window], NDArray[np.generic]]
    invalid: Callable[[Window], NDArray[np.bool_] | None]


@dataclass(frozen=True)
class ImageReading:
    """What of a dataset's settings says how images become the arrays that a network takes.

    Attributes:
        format: Of the dataset; rasters are read through rasterio, all others as single files.
        bands: Channels that are used, in this order; None for all.
        nodata: Format raster: the value of pixels without data instead of the files' own.
        factor: By how much images are enlarged; 1 for not at all.
    """

    format: str = "folder"
    bands: tuple[int, ...] | None = None
    nodata: float | None = None
    factor: int = 1

    @classmethod
    def from_settings(cls, settings: DatasetSettings) -> Self:
        """Of a dataset."""
        return cls(
            format=settings.format,
            bands=settings.bands,
            nodata=None if settings.raster is None else settings.raster.nodata,
            factor=1 if settings.resample is None else settings.resample.factor,
        )

    @classmethod
    def from_config(cls, decided: Mapping[str, Any]) -> Self:
        """Of a run's ``config.yaml``; what older runs lack is as it was then."""
        bands = decided.get("bands")
        return cls(
            format=decided.get("format", "folder"),
            bands=None if bands is None else tuple(bands),
            nodata=decided.get("nodata"),
            factor=decided.get("resample", 1),
        )

    def to_config(self) -> dict[str, Any]:
        """For ``config.yaml``."""
        bands = None if self.bands is None else list(self.bands)
        return {"format": self.format, "bands": bands, "nodata": self.nodata, "resample": self.factor}

    def open(self, path: Path) -> OpenImage:
        """An image file, ready to be read in windows.

        Raises:
            DataError: The file is missing or damaged.
            MissingExtraError: The run read rasters, but rasterio is not installed.

        Example:
            >>> import tempfile
            >>> from PIL import Image
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     Image.new("RGB", (6, 4), (9, 8, 7)).save(Path(folder) / "a.png")
            ...     image = ImageReading(bands=(2,), factor=2).open(Path(folder) / "a.png")
            ...     image.size, image.read(Window(6, 10, 2, 2)).tolist()
            ((4, 6), [[[7, 7], [7, 7]]])
        """
        path = Path(path)
        if self.format != "raster":
            return self._open(image_size(path), _reader(path))
        images = RasterImages({"": Sample(path, path.stem)}, nodata=self.nodata, bands=self.bands)
        return self.open_sample(images, "")

    def size_of(self, path: Path) -> tuple[int, int]:
        """Rows and columns of an image file, from its header alone.

        Raises:
            DataError: The file is missing or damaged.
            MissingExtraError: The run read rasters, but rasterio is not installed.
        """
        if self.format != "raster":
            return image_size(Path(path))
        header = RasterImages({"": Sample(Path(path), "")}, nodata=self.nodata).header("")
        return header.height, header.width

    def open_sample(self, images: ImageReader, sample: str) -> OpenImage:
        """One image of a reader, such as a tile of a stack.

        Raises:
            DataError: Its file is missing or damaged.
        """
        header = images.header(sample)
        size = (header.height, header.width)
        return self._open(size, partial(images.read, sample), partial(images.invalid, sample))

    def _open(
        self,
        size: tuple[int, int],
        read: Callable[[Window], NDArray[np.generic]],
        invalid: Callable[[Window], NDArray[np.bool_] | None] = lambda window: None,
    ) -> OpenImage:
        def chosen(window: Window) -> NDArray[np.generic]:
            pixels = read(window)
            return pixels if self.bands is None else pixels[list(self.bands)]

        def enlarged(window: Window) -> NDArray[np.generic]:
            pixels = chosen(source_window(window, self.factor, *size))
            return enlarge(pixels, window, self.factor, *size)

        return OpenImage(
            size=size, factor=self.factor, read=chosen if self.factor == 1 else enlarged, invalid=invalid
        )


def _reader(path: Path) -> Callable[[Window], NDArray[np.generic]]:
    """Windows of a file: of most TIFFs read from disk one by one, of all others cut from one decoded image."""
    if path.suffix.lower() in (".tif", ".tiff") and not is_pillow_tiff(path):
        return TiffWindows(path).read
    whole = read_image_file(path)
    return lambda window: whole[:, *window.slices]
