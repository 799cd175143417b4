"""Maps of uncertainty on disk, one file an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from rareseg.artefacts import atomic_path
from rareseg.data.number_raster import write_number_raster
from rareseg.data.raster_writer import grid_in_the_world
from rareseg.errors import OptionError

__all__ = ["UncertaintyWriter"]

_FULL = 65_535


class UncertaintyWriter:
    """Writes each map as soon as it comes: a 16-bit grey png, or a GeoTIFF where the image is georeferenced.

    A png holds the numbers times 65535, and 0 where there is no data. A GeoTIFF, which takes rasterio, holds the
    numbers as they are, float32 with NaN for no data.

    Args:
        folder: Where to; it should hold no label maps, which may have the same names.
        images: Names of all images: paths below the folder that was given, with ``/`` and with their ending.
        files: File of each image by its name; tiles of a stack have none.

    Raises:
        OptionError: ``folder`` is a file.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     writer = UncertaintyWriter(Path(folder), ["b/a.png", "b/a.jpg", "c.tif"])
        ...     path = writer.add("b/a.png", np.array([[0.0, 0.5, 1.0]], np.float32))
        ...     path.relative_to(folder).as_posix(), np.asarray(Image.open(path)).tolist()
        ('b/a_png.png', [[0, 32768, 65535]])
    """

    def __init__(self, folder: Path, images: Sequence[str], files: Mapping[str, Path] | None = None) -> None:
        if folder.is_file():
            raise OptionError(
                f"'{folder}' is a file, but maps of uncertainty need a folder; give another --uncertainty."
            )
        self._folder = folder
        self._files = files or {}
        plain = [PurePosixPath(image).with_suffix("").as_posix() for image in images]
        if len(set(plain)) < len(plain):
            plain = [image.replace(".", "_") for image in images]
        self._names = dict(zip(images, plain, strict=True))

    def add(self, image: str, values: NDArray[np.float32]) -> Path:
        """Write the map ``(h, w)`` of one image, from 0 to 1 or NaN, and give its file."""
        stem = self._folder / self._names[image]
        path = stem.with_name(f"{stem.name}.png")
        file = self._files.get(image)
        grid = None if file is None else grid_in_the_world(file)
        if grid is not None:
            path = path.with_suffix(".tif")
            write_number_raster(path, values, grid)
            return path
        _write_grey(path, np.rint(np.nan_to_num(values) * _FULL).astype(np.uint16))
        return path


def _write_grey(path: Path, numbers: NDArray[np.uint16]) -> None:
    from PIL import Image

    with atomic_path(path) as temporary:
        Image.fromarray(numbers).save(temporary, format="PNG")
