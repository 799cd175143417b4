"""GeoJSON and its kin: what is read, and that nothing but our own errors comes out of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rareseg.data.polygon_features import read_polygons
from rareseg.errors import MissingExtraError, MissingFileError, OptionError, RaresegError, UnreadableFileError

RING = [[0, 0], [4, 0], [4, 4], [0, 0]]


def write(folder: Path, value: Any, name: str = "a.geojson") -> Path:
    path = folder / name
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def feature(geometry: Any, **attributes: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": attributes}


def collection(*features: Any, **more: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features), **more}


def test_all_kinds_of_polygons_are_read(tmp_path: Path) -> None:
    polygon = {"type": "Polygon", "coordinates": [[[*xy, 7.5] for xy in RING], RING[::-1]]}
    multi = {"type": "MultiPolygon", "coordinates": [[RING], [[[5, 5], [6, 5], [6, 6]]]]}
    both = {"type": "GeometryCollection", "geometries": [polygon, multi]}
    found = read_polygons(
        write(tmp_path, collection(feature(polygon, kind="a"), feature(None), feature(multi), feature(both)))
    )
    assert [[len(rings) for rings in item.polygons] for item in found.features] == [[2], [1, 1], [2, 1, 1]]
    assert found.features[0].attributes == {"kind": "a"}
    np.testing.assert_array_equal(found.features[0].polygons[0][0], RING)
    assert found.crs == "EPSG:4326"
    assert len(read_polygons(write(tmp_path, polygon)).features) == 1
    assert len(read_polygons(write(tmp_path, feature(polygon))).features) == 1


def test_the_older_member_crs_counts(tmp_path: Path) -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32633"}}
    assert read_polygons(write(tmp_path, collection(crs=crs))).crs == "urn:ogc:def:crs:EPSG::32633"
    with pytest.raises(UnreadableFileError, match=r"a member 'crs' without properties\.name"):
        read_polygons(write(tmp_path, collection(crs={"type": "link"})))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ([], "should hold a GeoJSON object"),
        ({"type": "FeatureCollection"}, "without a list 'features'"),
        (collection(3), r"number 0, from 0\) that is no object"),
        (
            collection(feature(None), feature({"type": "Point"})),
            r"number 1, from 0\) that is of the type Point",
        ),
        (collection(feature({"type": "Polygon", "coordinates": [RING[:2]]})), "a ring of 2 positions"),
        (collection(feature({"type": "Polygon", "coordinates": [[[0], [1], [2]]]})), "no list of positions"),
        (collection(feature({"type": "Polygon", "coordinates": [[["0", "1"]] * 4]})), "no pair of numbers"),
        (collection(feature({"type": "Polygon", "coordinates": [[[1, 10**400]] * 4]})), "not finite"),
        (collection(feature({"type": "Polygon", "coordinates": [[[1, float("nan")]] * 4]})), "not finite"),
        (collection(feature({"type": "Polygon", "coordinates": 3})), "no list of rings"),
        (collection(feature({"type": "MultiPolygon"})), "no list of coordinates"),
        (collection({"type": "Feature", "geometry": None, "properties": [1]}), "no object"),
        (collection(feature({"type": "GeometryCollection"})), "without a list 'geometries'"),
    ],
)
def test_what_is_no_polygon_is_refused(tmp_path: Path, value: Any, message: str) -> None:
    with pytest.raises(UnreadableFileError, match=message):
        read_polygons(write(tmp_path, value))


def test_absent_files_and_layers_of_geojson(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="does not exist"):
        read_polygons(tmp_path / "absent.geojson")
    with pytest.raises(OptionError, match=r"no layers; remove raster\.polygons\.layer"):
        read_polygons(write(tmp_path, collection()), layer="fires")


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
names = st.sampled_from(
    ["type", "coordinates", "geometry", "properties", "features", "geometries", "crs", "name"]
)
kinds = st.sampled_from(
    ["Polygon", "MultiPolygon", "Feature", "FeatureCollection", "GeometryCollection", "Point"]
)
trees = st.recursive(
    plain | kinds | st.just(RING),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=25,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(max_size=60) | st.builds(lambda tree: json.dumps(tree), trees))
def test_whatever_comes_either_parses_or_is_our_own_error(tmp_path: Path, value: str) -> None:
    path = write(tmp_path, value.encode("utf-8", "replace").decode())
    try:
        found = read_polygons(path)
    except RaresegError as error:
        assert "\n" not in str(error)
    else:
        assert all(ring.shape[1] == 2 for item in found.features for rings in item.polygons for ring in rings)


@pytest.mark.parametrize("ending", ["gpkg", "shp"])
def test_geopackage_and_shapefile_are_read_through_pyogrio(tmp_path: Path, ending: str) -> None:
    pyogrio, shapely = pytest.importorskip("pyogrio"), pytest.importorskip("shapely")
    path = tmp_path / f"a.{ending}"
    shapes = [shapely.Polygon(RING), shapely.MultiPolygon([shapely.Polygon(RING), shapely.box(6, 6, 7, 7)])]
    pyogrio.raw.write(
        path,
        geometry=np.array(shapely.to_wkb(shapes)),
        field_data=[np.array(["lake", "river"], object)],
        fields=["kind"],
        crs="EPSG:32633",
        geometry_type="MultiPolygon" if ending == "gpkg" else "Polygon",
        promote_to_multi=ending == "gpkg",
    )
    found = read_polygons(path)
    assert [item.attributes for item in found.features] == [{"kind": "lake"}, {"kind": "river"}]
    assert [len(item.polygons) for item in found.features] == [1, 2]
    assert found.crs == "EPSG:32633"
    assert found.features[1].polygons[1][0].min() == 6
    with pytest.raises(OptionError, match="has no layer 'lakes', but has a"):
        read_polygons(path, layer="lakes")
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(UnreadableFileError, match="cannot be read"):
        read_polygons(path)


def test_without_pyogrio_the_message_has_the_line_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyogrio", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'rareseg\[vector\]'"):
        read_polygons(write(tmp_path, "", name="a.gpkg"))
