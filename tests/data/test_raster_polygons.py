"""Masks that are polygons: reprojected to the image's grid, classes by attribute, one file or one an image."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.features
from rasterio.warp import transform_geom

from data.write_raster import PLACE, write_raster
from rareseg.config.dataset import DatasetSettings
from rareseg.data.open_dataset import open_dataset
from rareseg.data.source import Source
from rareseg.errors import (
    ConfigError,
    DataError,
    MissingFileError,
    UnknownLabelError,
    UnknownNameError,
)
from rareseg.types import Window

Make = Callable[..., DatasetSettings]
HEIGHT, WIDTH = 50, 70
CLASSES = [{"name": "ground"}, {"name": "lake"}, {"name": "river"}]


def polygon(corners: list[list[float]]) -> dict[str, Any]:
    """In metres to the right of and below the image's corner, as GeoJSON in its coordinate system."""
    ring = [[500_000 + x, 5_600_000 - y] for x, y in corners]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


LAKE = polygon([[103, 52], [412, 88], [377, 331], [95, 290]])
RIVER = polygon([[3, 201], [690, 233], [690, 262], [3, 245]])
OUTSIDE = polygon([[9000, 9000], [9100, 9000], [9100, 9100]])


def write(path: Path, *pairs: tuple[dict[str, Any], dict[str, Any]], crs: str | None = "EPSG:32633") -> Path:
    """GeoJSON with the older member crs, or in longitude and latitude for None."""
    if crs is None:
        pairs = tuple((transform_geom("EPSG:32633", "EPSG:4326", shape), known) for shape, known in pairs)
    value: dict[str, Any] = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "geometry": shape, "properties": known} for shape, known in pairs],
    }
    if crs is not None:
        value["crs"] = {"type": "name", "properties": {"name": crs}}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


@pytest.fixture
def opened(tmp_path: Path, make_settings: Make) -> Callable[..., Source]:
    def make(**polygons: Any) -> Source:
        if not (tmp_path / "images/a.tif").exists():
            write_raster(tmp_path / "images/a.tif", np.ones((2, HEIGHT, WIDTH), np.uint16))
        more = polygons.pop("more", {})
        return open_dataset(make_settings(format="raster", raster={"polygons": polygons}, **more))

    return make


def by_gdal(*shapes: tuple[dict[str, Any], int], all_touched: bool = False) -> Any:
    return rasterio.features.rasterize(
        shapes, out_shape=(HEIGHT, WIDTH), transform=PLACE, all_touched=all_touched, dtype="uint8"
    )


@pytest.mark.parametrize("crs", ["EPSG:32633", "urn:ogc:def:crs:EPSG::32633", None])
@pytest.mark.parametrize("all_touched", [False, True])
def test_one_file_for_all_images(
    opened: Callable[..., Source], tmp_path: Path, crs: str | None, all_touched: bool
) -> None:
    write(tmp_path / "all.geojson", (LAKE, {}), (OUTSIDE, {}), crs=crs)
    source = opened(file="all.geojson", all_touched=all_touched)
    expected = by_gdal((LAKE, 1), all_touched=all_touched)
    assert 0 < expected.sum() < expected.size
    np.testing.assert_array_equal(source.read_mask("a"), expected)
    for window in (Window(7, 11, 13, 17), Window(0, 0, 1, 70), Window(49, 69, 1, 1)):
        np.testing.assert_array_equal(source.read_mask("a", window), expected[window.slices])
    assert source.mask_path("a") == tmp_path / "all.geojson"
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(source)).read_mask("a"), expected)


def test_one_file_an_image_with_classes_by_attribute(opened: Callable[..., Source], tmp_path: Path) -> None:
    write(tmp_path / "masks/a.geojson", (LAKE, {"kind": "lake"}), (RIVER, {"kind": 7}))
    source = opened(attribute="kind", classes={"7": "river"}, more={"classes": CLASSES})
    np.testing.assert_array_equal(source.read_mask("a"), by_gdal((LAKE, 1), (RIVER, 2)))
    ignored = opened(attribute="kind", classes={"7": "ignore"}, more={"classes": CLASSES})
    np.testing.assert_array_equal(ignored.read_mask("a"), by_gdal((LAKE, 1), (RIVER, 255)))


def test_a_class_by_name_and_a_column_of_the_table(opened: Callable[..., Source], tmp_path: Path) -> None:
    write(tmp_path / "shapes/mine.json", (RIVER, {}))
    (tmp_path / "samples.csv").write_text("sample_id,image,mask\na,images/a.tif,shapes/mine.json\n")
    more = {"classes": CLASSES, "samples": "samples.csv"}
    source = opened(class_name="river", more=more)
    np.testing.assert_array_equal(source.read_mask("a"), by_gdal((RIVER, 2)))


def test_other_labels_may_be_polygons_or_rasters(opened: Callable[..., Source], tmp_path: Path) -> None:
    write(tmp_path / "all.geojson", (LAKE, {}))
    write(tmp_path / "second/a.geojson", (RIVER, {}))
    write_raster(tmp_path / "third/a.tif", by_gdal((RIVER, 1)))
    source = opened(file="all.geojson", more={"other_masks": {"second": "second", "third": "third"}})
    np.testing.assert_array_equal(source.read_mask("a"), by_gdal((LAKE, 1)))
    for name in ("second", "third"):
        np.testing.assert_array_equal(source.read_mask("a", labels=name), by_gdal((RIVER, 1)))


def test_an_image_without_georeference_takes_pixels(opened: Callable[..., Source], tmp_path: Path) -> None:
    blank = np.ones((1, 20, 30), np.uint8)
    write_raster(tmp_path / "images/a.tif", blank, crs=None, transform=rasterio.Affine.identity())
    ring = [[2, 3], [8, 3], [8, 5], [2, 5], [2, 3]]
    write(tmp_path / "masks/a.geojson", ({"type": "Polygon", "coordinates": [ring]}, {}), crs="EPSG:4326")
    expected = np.zeros((20, 30), np.uint8)
    expected[3:5, 2:8] = 1
    np.testing.assert_array_equal(opened(class_name="bad").read_mask("a"), expected)


def test_the_coordinate_system_of_the_settings_comes_first(
    opened: Callable[..., Source], tmp_path: Path
) -> None:
    path = write(tmp_path / "all.geojson", (LAKE, {}))
    value = json.loads(path.read_text())
    del value["crs"]
    path.write_text(json.dumps(value))
    assert not opened(file="all.geojson").read_mask("a").any()
    source = opened(file="all.geojson", crs="EPSG:32633")
    np.testing.assert_array_equal(source.read_mask("a"), by_gdal((LAKE, 1)))
    with pytest.raises(DataError, match=r"system 'EPSG:1' of .* not known; set raster\.polygons\.crs"):
        opened(file="all.geojson", crs="EPSG:1").read_mask("a")


def test_missing_pixels_are_ignored_under_polygons_too(opened: Callable[..., Source], tmp_path: Path) -> None:
    pixels = np.ones((1, HEIGHT, WIDTH), np.float32)
    pixels[0, 10:20, 20:25] = np.nan
    write_raster(tmp_path / "images/a.tif", pixels)
    write(tmp_path / "all.geojson", (LAKE, {}))
    expected = np.where(np.isnan(pixels[0]), 255, by_gdal((LAKE, 1)))
    np.testing.assert_array_equal(opened(file="all.geojson").read_mask("a"), expected)


def test_mistakes(opened: Callable[..., Source], tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"mend raster\.polygons\.file"):
        opened(file="absent.geojson")
    write(tmp_path / "all.geojson", (LAKE, {"kind": "pond"}))
    three = {"classes": CLASSES}
    with pytest.raises(ConfigError, match="There are 3 classes, so say which one polygons are of"):
        opened(file="all.geojson", more=three)
    with pytest.raises(UnknownLabelError, match="has the kind 'pond', which is no class"):
        opened(file="all.geojson", attribute="kind", more=three).read_mask("a")
    with pytest.raises(DataError, match="has no attribute 'sort', but kind; mend"):
        opened(file="all.geojson", attribute="sort", more=three).read_mask("a")
    with pytest.raises(UnknownNameError, match=r"There is no class named 'laek'\. Did you mean 'lake'"):
        opened(file="all.geojson", class_name="laek", more=three)
    with pytest.raises(ConfigError, match="give either 'attribute' or 'class_name'"):
        opened(file="all.geojson", attribute="kind", class_name="lake")
    with pytest.raises(ConfigError, match="there is no 'attribute'; add it"):
        opened(file="all.geojson", classes={"a": "b"})
