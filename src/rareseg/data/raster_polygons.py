"""Polygons on the grid of a raster: reprojected once for an image, then made pixels window by window."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rareseg.config.raster import PolygonSettings
from rareseg.data.polygon_burn import Points, covered_pixels
from rareseg.data.polygon_features import PolygonFile, read_polygons
from rareseg.data.raster_file import RasterFiles, RasterGrid, grid_of, import_rasterio
from rareseg.errors import ConfigError, DataError, UnknownLabelError, UnknownNameError
from rareseg.types import IGNORE_INDEX, Window

__all__ = ["RasterPolygons"]

_KEPT_IMAGES = 32
"""Images whose polygons are kept in pixel coordinates."""


class _Placed(NamedTuple):
    """A polygon in pixels of an image, with the box of pixels that it may touch."""

    rings: tuple[Points, ...]
    label: int
    box: Window


class RasterPolygons:
    """Makes masks of polygons; later ones in the file lie over earlier ones.

    Corners are reprojected to the image's coordinate system; edges stay straight there. An image without a
    coordinate system takes the polygons' coordinates as its own: its pixels (column, row from the outer corner),
    where it has no geotransform either.

    Args:
        settings: How polygons become classes.
        class_names: Names in the order of class indices.

    Raises:
        ConfigError: The settings do not say which class polygons are of, or name one that there is not.
    """

    def __init__(self, settings: PolygonSettings, class_names: Sequence[str]) -> None:
        self._settings = settings
        self._labels = {name: index for index, name in enumerate(class_names)}
        self._mapped = {value: self._label_of(name) for value, name in settings.classes.items()}
        self._single = self._single_class(class_names)
        self._files = RasterFiles()
        self._lock = threading.Lock()
        self._kept: dict[Any, tuple[_Placed, ...]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key not in ("_lock", "_kept")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock(), _kept={})

    def read(self, path: Path, *, image: Path, window: Window) -> NDArray[np.uint8]:
        """Class indices ``(h, w)`` of a window of the image; the first class where no polygon is.

        Raises:
            DataError: A file is missing or broken, or polygons cannot be brought into the image's system.
            UnknownLabelError: An attribute has a value that is no class.
        """
        mask = np.zeros((window.height, window.width), np.uint8)
        for rings, label, box in self._placed(path, image):
            part = _overlap(box, window)
            if part is not None:
                covered = covered_pixels(rings, part, all_touched=self._settings.all_touched)
                mask[part.shifted(-window.row, -window.col).slices][covered] = label
        return mask

    def _placed(self, path: Path, image: Path) -> tuple[_Placed, ...]:
        states = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in (path, image)]
        key = tuple(states)
        with self._lock:
            if key in self._kept:
                return self._kept[key]
        with self._files.opened(image) as dataset:
            grid = grid_of(dataset)
        found = tuple(self._place(_parsed(*states[0], self._settings.layer), grid, path, image))
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > _KEPT_IMAGES:
                del self._kept[next(iter(self._kept))]
        return found

    def _place(self, file: PolygonFile, grid: RasterGrid, path: Path, image: Path) -> list[_Placed]:
        source, bounds = self._settings.crs or file.crs, None
        if grid.crs is not None and source is not None:
            bounds = _bounds(grid, source, path)
        placed = []
        for number, feature in enumerate(file.features):
            label = self._label(feature.attributes, path, number)
            for polygon in feature.polygons:
                if bounds is not None and _apart(polygon[0], bounds):
                    continue
                rings = polygon if bounds is None else _reproject(polygon, str(source), str(grid.crs))
                rings = tuple(_to_pixels(ring, grid) for ring in rings)
                if not all(np.isfinite(ring).all() for ring in rings):
                    raise DataError(
                        f"Feature {number} (from 0) of '{path}' cannot be brought from {source} into the "
                        f"coordinate system of '{image}'; mend its coordinates or raster.polygons.crs."
                    )
                placed.append(_Placed(rings, label, _box(rings, grid)))
        return placed

    def _label(self, attributes: Mapping[str, Any], path: Path, number: int) -> int:
        name = self._settings.attribute
        if name is None:
            return self._single
        if name not in attributes:
            has = ", ".join(map(str, list(attributes)[:12])) or "no attributes"
            raise DataError(
                f"Feature {number} (from 0) of '{path}' has no attribute '{name}', but {has}; mend "
                "raster.polygons.attribute."
            )
        value = str(attributes[name])
        label = self._mapped.get(value, self._labels.get(value))
        if label is None:
            raise UnknownLabelError(
                f"Feature {number} (from 0) of '{path}' has the {name} '{value}', which is no class. Say what it "
                f"is under raster.polygons.classes, such as '{value}: {next(iter(self._labels))}' or "
                f"'{value}: ignore'."
            )
        return label

    def _single_class(self, names: Sequence[str]) -> int:
        settings = self._settings
        if settings.class_name is not None:
            return self._label_of(settings.class_name)
        if settings.attribute is None and len(names) > 2:
            raise ConfigError(
                f"There are {len(names)} classes, so say which one polygons are of: set "
                "raster.polygons.attribute or raster.polygons.class_name."
            )
        return 1

    def _label_of(self, name: str) -> int:
        if name == "ignore" and name not in self._labels:
            return IGNORE_INDEX
        if name not in self._labels:
            raise UnknownNameError("class", name, self._labels)
        return self._labels[name]


@lru_cache(maxsize=16)
def _parsed(path: str, size: int, changed: int, layer: str | None) -> PolygonFile:
    """A file's polygons, read once as long as the file stays what it is."""
    return read_polygons(Path(path), layer=layer)


def _bounds(grid: RasterGrid, source: str, path: Path) -> tuple[float, float, float, float] | None:
    """The image's box in the polygons' system, a little larger; None where it cannot be told."""
    rasterio = import_rasterio()
    from rasterio.warp import transform_bounds

    try:
        crs = rasterio.crs.CRS.from_user_input(source)
    except rasterio.errors.CRSError:
        raise DataError(
            f"The coordinate system '{source}' of '{path}' is not known; set raster.polygons.crs, such as "
            "EPSG:4326."
        ) from None
    a, b, c, d, e, f = grid.transform or (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    cols, rows = np.array([0, grid.width, 0, grid.width]), np.array([0, 0, grid.height, grid.height])
    x, y = a * cols + b * rows + c, d * cols + e * rows + f
    try:
        left, low, right, high = transform_bounds(grid.crs, crs, x.min(), y.min(), x.max(), y.max())
    except rasterio.errors.RasterioError:
        return -np.inf, -np.inf, np.inf, np.inf
    # West of the date line and east of it: such an image takes every polygon.
    if not all(map(np.isfinite, (left, low, right, high))) or left > right:
        return -np.inf, -np.inf, np.inf, np.inf
    margin = 0.05 * max(right - left, high - low)
    return left - margin, low - margin, right + margin, high + margin


def _apart(ring: Points, bounds: tuple[float, float, float, float]) -> bool:
    left, low, right, high = bounds
    (x1, y1), (x2, y2) = ring.min(axis=0), ring.max(axis=0)
    return bool(x2 < left or x1 > right or y2 < low or y1 > high)


def _reproject(polygon: Sequence[Points], source: str, target: str) -> tuple[Points, ...]:
    from rasterio.warp import transform

    points = np.concatenate(list(polygon))
    moved = np.array(transform(source, target, points[:, 0], points[:, 1])[:2], np.float64).T
    ends = np.cumsum([len(ring) for ring in polygon])[:-1]
    return tuple(np.split(moved, ends))


def _to_pixels(ring: Points, grid: RasterGrid) -> Points:
    if grid.transform is None:
        return ring
    a, b, c, d, e, f = grid.transform
    x, y = ring[:, 0] - c, ring[:, 1] - f
    with np.errstate(all="ignore"):
        determinant = a * e - b * d
        return np.stack([(e * x - b * y) / determinant, (a * y - d * x) / determinant], axis=1)


def _box(rings: Sequence[Points], grid: RasterGrid) -> Window:
    """Pixels of the image that a polygon may touch."""
    points = np.concatenate(list(rings))
    limit = np.array([grid.width, grid.height], np.float64)
    first = np.clip(np.floor(points.min(axis=0)), 0, limit).astype(int)
    last = np.clip(np.floor(points.max(axis=0)) + 1, 0, limit).astype(int)
    return Window(int(first[1]), int(first[0]), int(last[1] - first[1]), int(last[0] - first[0]))


def _overlap(box: Window, window: Window) -> Window | None:
    top, left = max(box.row, window.row), max(box.col, window.col)
    bottom = min(box.row + box.height, window.row + window.height)
    right = min(box.col + box.width, window.col + window.width)
    return Window(top, left, bottom - top, right - left) if bottom > top and right > left else None
