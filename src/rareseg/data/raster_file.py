"""Rasters through rasterio: open files, kept by thread, and the grid that their pixels lie on."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rareseg.data.image_file import IMAGE_ENDINGS
from rareseg.errors import MissingExtraError, MissingFileError, UnreadableFileError

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

__all__ = [
    "RASTER_ENDINGS",
    "RasterFiles",
    "RasterGrid",
    "allow_images_without_place",
    "grid_of",
    "import_rasterio",
]

RASTER_ENDINGS = (*IMAGE_ENDINGS, ".jp2", ".img", ".vrt")
"""Endings of rasters that are looked for; a table may name any file that GDAL opens."""

_CACHE_MEGABYTES = "512"
"""Of decoded blocks. A row of tiles of a raster of 40 000 columns with four bands of 16 bits is 400."""

_OPEN_FILES = 8
"""Files that a thread keeps open, so that windows of one image in turn open it once."""

# Damage is reported as an error; without a handler of its own, rasterio also prints lines about it.
logging.getLogger("rasterio").addHandler(logging.NullHandler())


class RasterGrid(NamedTuple):
    """Where pixels lie in the world."""

    height: int
    width: int
    transform: tuple[float, float, float, float, float, float] | None
    """``(a, b, c, d, e, f)``: the corner (col, row) lies at ``x = a col + b row + c``, ``y = d col + e row + f``;
    None without georeference."""
    crs: str | None
    """Coordinate reference system as WKT; None where the file names none."""


class RasterFiles:
    """Opens rasters. Each thread has handles of its own, since GDAL's cannot be shared; pickling closes none.

    Example:
        >>> import pickle
        >>> files = pickle.loads(pickle.dumps(RasterFiles()))
        >>> with files.opened(Path("absent.tif")):
        ...     pass
        Traceback (most recent call last):
        ...
        rareseg.errors.MissingFileError: The file 'absent.tif' does not exist; put it there or mend its name.
    """

    def __init__(self) -> None:
        self._local = threading.local()

    def __reduce__(self) -> tuple[type[RasterFiles], tuple[()]]:
        return RasterFiles, ()

    @contextlib.contextmanager
    def opened(self, path: Path) -> Iterator[DatasetReader]:
        """A file ready to be read; whatever goes wrong becomes one line with the path and the cure.

        Raises:
            MissingFileError: There is no such file.
            UnreadableFileError: The file is damaged, or of a kind that GDAL does not know.
            MissingExtraError: rasterio is not installed.
        """
        rasterio = import_rasterio()
        from rasterio._err import CPLE_BaseError

        try:
            yield self._handle(Path(path))
        except FileNotFoundError:
            raise MissingFileError(
                f"The file '{path}' does not exist; put it there or mend its name."
            ) from None
        except MemoryError:
            raise UnreadableFileError(
                f"'{path}' does not fit into memory; cut it into smaller rasters, or name a box under `roi`."
            ) from None
        except (rasterio.errors.RasterioError, CPLE_BaseError, OSError, ValueError) as error:
            reason = str(error.__cause__ or error).splitlines()[0] if str(error) else type(error).__name__
            raise UnreadableFileError(
                f"'{path}' cannot be read ({reason}); copy it anew from its origin, or list its id under "
                "`exclude`."
            ) from None

    def _handle(self, path: Path) -> DatasetReader:
        status = path.stat()
        key = (str(path), status.st_size, status.st_mtime_ns)
        local = self._local
        # A forked process must not read through handles of its parent, which share their place in the file.
        if getattr(local, "process", None) != os.getpid():
            local.process, local.handles = os.getpid(), OrderedDict()
        handles: OrderedDict[Any, DatasetReader] = local.handles
        if key not in handles:
            handles[key] = _open(path)
            if len(handles) > _OPEN_FILES:
                handles.popitem(last=False)[1].close()
        handles.move_to_end(key)
        return handles[key]


def grid_of(dataset: DatasetReader) -> RasterGrid:
    """The grid of an open raster."""
    a, b, c, d, e, f = tuple(dataset.transform)[:6]
    plain = (a, b, c, d, e, f) == (1, 0, 0, 0, 1, 0)
    return RasterGrid(
        dataset.height,
        dataset.width,
        None if plain else (a, b, c, d, e, f),
        dataset.crs.to_wkt() if dataset.crs else None,
    )


def import_rasterio(*, purpose: str = "The format raster") -> Any:
    """The package rasterio.

    Args:
        purpose: What it is needed for, if it is missing.

    Raises:
        MissingExtraError: It is not installed.
    """
    # GDAL takes a twentieth of the memory for blocks that it has read, 13 GB of 256; it looks at this when it starts.
    os.environ.setdefault("GDAL_CACHEMAX", _CACHE_MEGABYTES)
    try:
        import rasterio
    except ImportError:
        raise MissingExtraError("rasterio", extra="raster", purpose=purpose) from None
    return rasterio


def allow_images_without_place() -> None:
    """Images without georeference are fine here, so rasterio shall not warn of them."""
    quiet = import_rasterio().errors.NotGeoreferencedWarning
    # `warnings.catch_warnings` is no way, since threads share filters.
    if not any(kind is quiet for _, _, kind, _, _ in warnings.filters):
        warnings.filterwarnings("ignore", category=quiet)


def _open(path: Path) -> DatasetReader:
    allow_images_without_place()
    return import_rasterio().open(path)
