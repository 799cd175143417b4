"""Polygons with attributes, from GeoJSON or from what GDAL's vector drivers read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rareseg.data.polygon_burn import Points
from rareseg.errors import MissingExtraError, MissingFileError, OptionError, UnreadableFileError

__all__ = ["VECTOR_ENDINGS", "PolygonFeature", "PolygonFile", "read_polygons"]

VECTOR_ENDINGS = (".geojson", ".json", ".gpkg", ".shp")
"""Endings of files that hold polygons, in lower case."""

_WGS84 = "EPSG:4326"


@dataclass(frozen=True, eq=False)
class PolygonFeature:
    """One feature: polygons that belong together.

    Args:
        polygons: Rings ``(n, 2)`` of each polygon, x and y; the first ring is the outer one.
        attributes: What is known of it.
    """

    polygons: tuple[tuple[Points, ...], ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class PolygonFile:
    """What a file holds.

    Args:
        features: In the order of the file.
        crs: Coordinate reference system as the file names it; None where it names none.
    """

    features: tuple[PolygonFeature, ...]
    crs: str | None


def read_polygons(path: Path, *, layer: str | None = None) -> PolygonFile:
    """Read GeoJSON by itself, other formats through pyogrio.

    GeoJSON is in longitude and latitude (RFC 7946) unless it has the older member ``crs``. Features without
    geometry are passed over.

    Args:
        path: GeoJSON, GeoPackage, shapefile or whatever else pyogrio opens.
        layer: Which layer; None for the first.

    Raises:
        MissingFileError: There is no such file.
        UnreadableFileError: It is damaged, or holds anything but polygons.
        MissingExtraError: pyogrio is needed, but not installed.
        OptionError: A layer is named, but GeoJSON has none.

    Example:
        >>> import tempfile
        >>> ring = [[7.0, 50.0], [7.1, 50.0], [7.1, 50.1], [7.0, 50.0]]
        >>> geometry = {"type": "Polygon", "coordinates": [ring]}
        >>> feature = {"type": "Feature", "geometry": geometry, "properties": {"kind": "lake"}}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "lakes.geojson"
        ...     _ = path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
        ...     found = read_polygons(path)
        >>> found.crs, found.features[0].attributes, found.features[0].polygons[0][0].shape
        ('EPSG:4326', {'kind': 'lake'}, (4, 2))
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(f"The file '{path}' does not exist; put it there or mend its name.")
    if path.suffix.lower() not in (".geojson", ".json"):
        return _through_pyogrio(path, layer)
    if layer is not None:
        raise OptionError(f"'{path}' is GeoJSON, which has no layers; remove raster.polygons.layer.")
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError(f"'{path}' is no JSON ({error}); export the polygons anew.") from None
    try:
        return _parse_geojson(value)
    except _Unfit as problem:
        raise UnreadableFileError(f"'{path}' {problem}; export polygons alone as GeoJSON.") from None


class _Unfit(Exception):
    """What is wrong, as the rest of a sentence that begins with the file."""


def _parse_geojson(value: Any) -> PolygonFile:
    if not isinstance(value, dict):
        raise _Unfit("should hold a GeoJSON object, but holds something else")
    crs = _WGS84
    member = value.get("crs")
    if member is not None:
        name = member.get("properties") if isinstance(member, dict) else None
        name = name.get("name") if isinstance(name, dict) else None
        if not isinstance(name, str) or not name:
            raise _Unfit("has a member 'crs' without properties.name")
        crs = name
    items = [value]
    if value.get("type") == "FeatureCollection":
        items = value.get("features")  # type: ignore[assignment]  # checked in the next line
        if not isinstance(items, list):
            raise _Unfit("is a FeatureCollection without a list 'features'")
    return PolygonFile(tuple(_features(items)), crs)


def _features(items: list[Any]) -> Iterator[PolygonFeature]:
    for number, item in enumerate(items):
        try:
            if not isinstance(item, dict):
                raise _Unfit("is no object")
            plain = item.get("type") != "Feature"
            geometry = item if plain else item.get("geometry")
            attributes = {} if plain else item.get("properties") or {}
            if not isinstance(attributes, dict):
                raise _Unfit("has 'properties' that are no object")
            if geometry is not None:
                yield PolygonFeature(tuple(_polygons(geometry)), attributes)
        except _Unfit as problem:
            raise _Unfit(f"has a feature (number {number}, from 0) that {problem}") from None


def _polygons(geometry: Any) -> Iterator[tuple[Points, ...]]:
    kind = geometry.get("type") if isinstance(geometry, Mapping) else None
    if kind == "GeometryCollection":
        parts = geometry.get("geometries")
        if not isinstance(parts, list | tuple):
            raise _Unfit("is a GeometryCollection without a list 'geometries'")
        for part in parts:
            if isinstance(part, Mapping) and part.get("type") == "GeometryCollection":
                raise _Unfit("has collections inside a collection")
            yield from _polygons(part)
        return
    if kind not in ("Polygon", "MultiPolygon"):
        raise _Unfit(
            f"is of the type {kind if isinstance(kind, str) else 'none'}, not Polygon or MultiPolygon"
        )
    coordinates = geometry.get("coordinates")
    polygons = [coordinates] if kind == "Polygon" else coordinates
    if not isinstance(polygons, list | tuple):
        raise _Unfit("has no list of coordinates")
    for rings in polygons:
        if not isinstance(rings, list | tuple):
            raise _Unfit("has a polygon that is no list of rings")
        if rings:
            yield tuple(_ring(ring) for ring in rings)


def _ring(ring: Any) -> Points:
    if not isinstance(ring, list | tuple) or not all(
        isinstance(place, list | tuple) and len(place) >= 2 for place in ring
    ):
        raise _Unfit("has a ring that is no list of positions")
    if len(ring) < 3:
        raise _Unfit(f"has a ring of {len(ring)} positions, where at least 3 are needed")
    numbers = [number for place in ring for number in place[:2]]
    if not all(isinstance(number, int | float) for number in numbers):
        raise _Unfit("has a position that is no pair of numbers")
    try:
        points = np.array(numbers, np.float64).reshape(-1, 2)
    except OverflowError:
        points = np.full((1, 2), np.inf)
    if not np.isfinite(points).all():
        raise _Unfit("has a position that is not finite")
    return points


def _through_pyogrio(path: Path, layer: str | None) -> PolygonFile:
    try:
        import pyogrio
        import shapely
    except ImportError as error:
        package = error.name or "pyogrio"
        raise MissingExtraError(package, extra="vector", purpose=f"Reading polygons from '{path}'") from None
    try:
        if layer is not None:
            names = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
            if layer not in names:
                raise OptionError(
                    f"'{path}' has no layer '{layer}', but has {', '.join(names)}; mend raster.polygons.layer."
                )
        meta, _, geometries, columns = pyogrio.raw.read(path, layer=layer)
        shapes = shapely.from_wkb(geometries)
        names = [str(name) for name in meta["fields"]]
        items = [
            {
                "type": "Feature",
                "geometry": None if shape is None else shapely.geometry.mapping(shape),
                "properties": dict(zip(names, row, strict=True)),
            }
            for shape, row in zip(shapes, _rows(columns, len(shapes)), strict=True)
        ]
        return PolygonFile(tuple(_features(items)), meta["crs"])
    except _Unfit as problem:
        raise UnreadableFileError(f"'{path}' {problem}; export polygons alone.") from None
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        shapely.errors.ShapelyError,
    ) as error:
        reason = str(error).splitlines()[0]
        raise UnreadableFileError(f"'{path}' cannot be read ({reason}); export the polygons anew.") from None


def _rows(columns: Any, number: int) -> Iterator[tuple[Any, ...]]:
    """Attributes of one feature after the other."""
    values = [column.tolist() for column in columns]
    return zip(*values, strict=True) if values else iter([()] * number)
