"""The format ``regions_geojson``: every predicted region as a polygon with its figures, as maps show them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

import numpy as np

from rareseg.data.outlines import outline
from rareseg.data.raster_place import RasterPlace
from rareseg.inference.label_writer import WRITERS, PredictedImage, WriterOptions
from rareseg.inference.region_format import RegionFormat
from rareseg.inference.region_sink import place_of, region_figures
from rareseg.metrics.region_stream import Regions

__all__ = ["REGIONS_GEOJSON"]

_DIGITS = 9
"""Of degrees: a tenth of a millimetre on the ground, so that pixels of drones keep their corners."""


def _features(regions: Regions, image: PredictedImage, options: WriterOptions) -> Iterator[str]:
    assert regions.runs is not None, "the stream keeps runs"
    place = place_of(image)
    figures = region_figures(regions, options.class_table, place)
    kind = "pixels" if place is None else "raster" if place.crs is None else "wgs84"
    for runs, row in zip(regions.runs, figures, strict=True):
        feature = {
            "type": "Feature",
            "geometry": _geometry(outline(runs, image.size[0]), place),
            "properties": {"image": image.name, **row, "coordinates": kind},
        }
        yield json.dumps(feature, ensure_ascii=False)


def _write(file: TextIO, entries: Iterable[tuple[str, Iterable[str]]], options: WriterOptions) -> None:
    file.write('{"type": "FeatureCollection", "features": [')
    between = "\n"
    for _, features in entries:
        for feature in features:
            file.write(between + feature)
            between = ",\n"
    file.write("\n]}\n")


def _geometry(polygons: list[list[list[tuple[int, int]]]], place: RasterPlace | None) -> dict[str, Any]:
    rings = [ring for polygon in polygons for ring in polygon]
    corners = np.array([corner for ring in rings for corner in ring], float)
    if place is None:
        x, y = corners[:, 1], corners[:, 0]
    elif place.crs is None:
        x, y = place.xy(corners[:, 0], corners[:, 1])
    else:
        x, y = (np.round(values, _DIGITS) for values in place.lonlat(corners[:, 0], corners[:, 1]))
    points = np.stack([x, y], axis=1)
    ends = np.cumsum([len(ring) for ring in rings])
    drawn = iter([_turned(part) for part in np.split(points, ends[:-1])])
    # Exteriors go against the clock and holes with it, in axes that point right and up.
    found = [
        [
            (ring if (number == 0) == is_left else ring[::-1]).tolist()
            for number, (ring, is_left) in enumerate(own)
        ]
        for own in ([next(drawn) for _ in polygon] for polygon in polygons)
    ]
    if len(found) == 1:
        return {"type": "Polygon", "coordinates": found[0]}
    return {"type": "MultiPolygon", "coordinates": found}


def _turned(
    ring: np.ndarray[Any, np.dtype[np.float64]],
) -> tuple[np.ndarray[Any, np.dtype[np.float64]], bool]:
    """A ring, and whether it goes against the clock."""
    moved = ring - ring[0]  # far from the origin, products of coordinates lose the area
    return ring, float((moved[:-1, 0] * moved[1:, 1] - moved[1:, 0] * moved[:-1, 1]).sum()) > 0


REGIONS_GEOJSON = RegionFormat("regions.geojson", _features, _write, keep_runs=True)
"""A FeatureCollection of polygons along the edges of pixels.

As RFC 7946 has it, coordinates are longitude and latitude where the image has a coordinate system. Where it has none,
they are what there is, and the property ``coordinates`` says what: ``raster``, those of its transform, or ``pixels``,
columns and rows from the upper left corner.
"""
WRITERS.register("regions_geojson")(REGIONS_GEOJSON)
