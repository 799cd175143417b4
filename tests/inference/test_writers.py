"""Formats of predicted label maps: what is written is what was predicted, in strips or whole, under distinct names."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image

from data.write_raster import write_raster
from rareseg.artefacts import read_csv
from rareseg.config.dataset import ClassSettings, DatasetSettings
from rareseg.data.image_reading import ImageReading
from rareseg.data.labels import ClassTable
from rareseg.data.open_dataset import open_dataset
from rareseg.data.polygon_burn import covered_pixels
from rareseg.data.run_lengths import decode_run_lengths
from rareseg.errors import DataError, OptionError, UnknownNameError
from rareseg.inference import overlay_writer
from rareseg.inference.label_strip import SCORE_SCALE, LabelStrip
from rareseg.inference.label_writer import WRITERS, LabelWriter, PredictedImage, WriterOptions
from rareseg.inference.writers import open_writers
from rareseg.types import Window

TABLE = ClassTable.from_classes(
    [ClassSettings(name="good"), ClassSettings(name="pit", value=3), ClassSettings(name="line", value=1)]
)
IMAGES = ("a.jpg", "deep/b.jpg")
MAPS = {
    "a.jpg": np.array([[0, 2, 2], [1, 0, 2]], np.uint8),
    "deep/b.jpg": np.zeros((4, 2), np.uint8),
}


def add(
    writer: LabelWriter,
    name: str,
    labels: np.ndarray,
    *,
    scores: np.ndarray | None = None,
    rows: int = 1,
    **image: Any,
) -> Any:
    """Hand a label map on in strips of some rows; gives the entry."""
    with writer.open(PredictedImage(name, labels.shape, **image)) as sink:
        for row in range(0, len(labels), rows):
            part = slice(row, row + rows)
            sink.add(LabelStrip(row, labels[part], None if scores is None else scores[part]))
        entry = sink.entry()
        return None if entry is None else list(entry)


def write(form: str, out: Path, *, images: Iterable[str] = IMAGES, **options: Any) -> None:
    """Write the maps above in one format."""
    (writer,) = open_writers([form], WriterOptions(out, IMAGES, TABLE, **options)).values()
    assert not any(writer.has(name) for name in IMAGES)
    writer.close([(name, add(writer, name, MAPS[name])) for name in images])
    assert all(writer.has(name) for name in images)


def make_map(size: tuple[int, int] = (40, 56)) -> tuple[np.ndarray, np.ndarray]:
    """Labels with a hole of ignored pixels, and scores."""
    rng = np.random.default_rng(0)
    blobs = rng.random((size[0] // 4, size[1] // 4)).repeat(4, 0).repeat(4, 1)
    labels = (blobs + 0.2 * rng.random(size)).astype(float)
    labels = np.digitize(labels, [0.7, 0.95]).astype(np.uint8)
    labels[:6, :9] = 255
    return labels, np.where(labels % 255 > 0, rng.integers(20_000, 65_535, size), 0).astype(np.uint16)


def test_png_holds_class_indices(tmp_path: Path) -> None:
    write("png", tmp_path / "out")
    for name, image in (("a", "a.jpg"), ("b", "deep/b.jpg")):
        found = Image.open(tmp_path / "out" / f"{name}.png")
        np.testing.assert_array_equal(np.asarray(found), MAPS[image])
        assert bytes(found.getpalette()[:9]) == bytes(np.array(TABLE.colors, np.uint8))


def test_names_of_pngs_stay_distinct(tmp_path: Path) -> None:
    images = ("x/a.jpg", "y/a.jpg", "a.png")
    (writer,) = open_writers(["png"], WriterOptions(tmp_path, images, TABLE)).values()
    for image in images:
        add(writer, image, np.zeros((2, 2), np.uint8))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a_png.png", "x__a_jpg.png", "y__a_jpg.png"]


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    for form in ("png", "tif", "overlay"):
        (writer,) = open_writers([form], WriterOptions(tmp_path / form, IMAGES, TABLE)).values()
        with pytest.raises(DataError, match="cut off"), writer.open(PredictedImage("a.jpg", (2, 3))) as sink:
            if form != "overlay":
                sink.add(LabelStrip(0, MAPS["a.jpg"][:1]))
            raise DataError("cut off")
        assert not writer.has("a.jpg")
        assert not list(tmp_path.rglob("*.*"))


@pytest.mark.parametrize("rows", [1, 300, 700, 1100])
def test_tif_keeps_grid_projection_and_colours(rows: int, tmp_path: Path) -> None:
    image, labels = tmp_path / "in/a.tif", np.random.default_rng(0).integers(0, 3, (1100, 700), np.uint8)
    labels[:40] = 255
    write_raster(image, np.zeros(labels.shape, np.uint8))
    (writer,) = open_writers(["tif"], WriterOptions(tmp_path / "out", ("a.tif", "b.png"), TABLE)).values()
    add(writer, "a.tif", labels, rows=rows, file=image)
    add(writer, "b.png", labels[:5], rows=rows)
    with rasterio.open(tmp_path / "out/a.tif") as found, rasterio.open(image) as given:
        assert (found.crs, found.transform, found.shape) == (given.crs, given.transform, given.shape)
        assert (found.nodata, found.dtypes, found.block_shapes) == (255, ("uint8",), [(512, 512)])
        assert found.colormap(1)[1][:3] == TABLE.colors[1]
        np.testing.assert_array_equal(found.read(1), labels)
    with rasterio.open(tmp_path / "out/b.tif") as found:
        assert found.crs is None
        np.testing.assert_array_equal(found.read(1), labels[:5])


def test_run_lengths_have_a_row_for_every_image_and_class(tmp_path: Path) -> None:
    write("rle_csv", tmp_path / "labels.csv")
    assert (tmp_path / "labels.csv").read_text() == (
        "ImageId,ClassId,EncodedPixels\na.jpg,3,2 1\na.jpg,1,3 1 5 2\ndeep/b.jpg,3,\ndeep/b.jpg,1,\n"
    )


def test_image_and_class_can_be_joined(tmp_path: Path) -> None:
    write("rle_csv", tmp_path / "labels.csv", columns=("ImageId_ClassId", "EncodedPixels"))
    rows = read_csv(tmp_path / "labels.csv")
    assert [row["ImageId_ClassId"] for row in rows] == ["a.jpg_3", "a.jpg_1", "deep/b.jpg_3", "deep/b.jpg_1"]
    np.testing.assert_array_equal(decode_run_lengths(rows[1]["EncodedPixels"], (2, 3)), MAPS["a.jpg"] == 2)


@pytest.mark.parametrize("columns", [("one",), ("a", "b", "c", "d"), ("a", "a"), ("a", "")])
def test_a_wrong_number_of_columns_is_refused(columns: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--columns should name three columns"):
        open_writers(["rle_csv"], WriterOptions(tmp_path / "x.csv", IMAGES, TABLE, columns))


def test_options_without_effect_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="png, coco have no columns"):
        open_writers(["png", "coco"], WriterOptions(tmp_path, IMAGES, TABLE, ("a", "b")))
    with pytest.raises(OptionError, match="rle_csv writes one file"):
        open_writers(["rle_csv"], WriterOptions(tmp_path, IMAGES, TABLE))
    (tmp_path / "file").write_text("")
    for forms in (["png"], ["coco", "rle_csv"]):
        with pytest.raises(OptionError, match="needs a folder"):
            open_writers(forms, WriterOptions(tmp_path / "file", IMAGES, TABLE))
    with pytest.raises(OptionError, match="one or more different formats, but names png, png"):
        open_writers(["png", "png"], WriterOptions(tmp_path, IMAGES, TABLE))
    with pytest.raises(UnknownNameError, match="Did you mean 'rle_csv'"):
        open_writers(["rle"], WriterOptions(tmp_path, IMAGES, TABLE))


def test_several_formats_have_a_place_each(tmp_path: Path) -> None:
    options = WriterOptions(tmp_path, IMAGES, TABLE, columns=("a", "b"))
    names = [name for name in WRITERS if name not in ("overlay", "flat_csv", "uncertainty")]
    for writer in open_writers(names, options).values():
        writer.close([(name, add(writer, name, MAPS[name])) for name in IMAGES])
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")) == [
        *("coco.json", "png/a.png", "png/b.png", "regions.csv", "regions.geojson", "rle.csv"),
        *("tif/a.tif", "tif/b.tif"),
    ]
    assert (tmp_path / "rle.csv").read_text().startswith("a,b\n")


def test_a_flat_table_has_a_row_an_image_and_a_column_a_pixel(tmp_path: Path) -> None:
    out = tmp_path / "labels.csv"
    maps = np.random.default_rng(0).integers(0, 3, (3, 4, 5)).astype(np.uint8)
    names = ("test_set/0000", "test_set/0001", "test_set/0002")
    (writer,) = open_writers(["flat_csv"], WriterOptions(out, names, TABLE, ("row",))).values()
    writer.close([(names[place], add(writer, names[place], maps[place])) for place in (0, 2)])
    lines = [line.split(",") for line in out.read_text().splitlines()]
    assert lines[0] == ["row", *map(str, range(20))]
    assert [line[0] for line in lines[1:]] == ["0", "2"]
    values = np.array([0, 3, 1])
    for line, place in zip(lines[1:], (0, 2), strict=True):
        np.testing.assert_array_equal(np.array(line[1:], int), values[maps[place]].ravel())


def test_a_flat_table_refuses_what_does_not_fit_into_it(tmp_path: Path) -> None:
    (writer,) = open_writers(["flat_csv"], WriterOptions(tmp_path / "x.csv", IMAGES, TABLE)).values()
    entry = add(writer, "a.jpg", MAPS["a.jpg"])
    with pytest.raises(DataError, match=r"'deep/b\.jpg' has 4 x 2 pixels, but 'a\.jpg' 2 x 3"):
        add(writer, "deep/b.jpg", MAPS["deep/b.jpg"])
    with (
        pytest.raises(DataError, match="has a column for each and takes up to"),
        writer.open(PredictedImage("deep/b.jpg", (30_000, 30_000))),
    ):
        pass
    writer.close([("a.jpg", entry)])
    assert (tmp_path / "x.csv").read_text() == "id,0,1,2,3,4,5\n0,0,1,1,3,0,1\n"
    with pytest.raises(OptionError, match="should name one column for flat_csv"):
        open_writers(["flat_csv"], WriterOptions(tmp_path / "x.csv", IMAGES, TABLE, ("a", "b")))


def test_a_coco_file_is_a_dataset_with_the_same_masks(tmp_path: Path) -> None:
    labels, scores = make_map()
    (tmp_path / "images").mkdir()
    Image.new("L", (56, 40)).save(tmp_path / "images/a.png")
    (writer,) = open_writers(["coco"], WriterOptions(tmp_path / "a.json", ("a.png",), TABLE)).values()
    writer.close([("a.png", add(writer, "a.png", labels, scores=scores, rows=7))])
    settings = DatasetSettings(
        name="back",
        root=str(tmp_path),
        format="coco",
        coco={"file": "a.json"},
        classes=[{"name": "good"}, {"name": "pit", "value": 3}, {"name": "line", "value": 1}],
    )
    expected = np.where(labels == 255, 0, labels)
    np.testing.assert_array_equal(open_dataset(settings).read_mask("a"), expected)
    file = json.loads((tmp_path / "a.json").read_text())
    assert file["categories"] == [{"id": 3, "name": "pit"}, {"id": 1, "name": "line"}]
    for region in file["annotations"]:
        left, top, width, height = region["bbox"]
        box = (slice(top, top + height), slice(left, left + width))
        assert (labels[box] == (1 if region["category_id"] == 3 else 2)).sum() >= region["area"]
        assert 20_000 / SCORE_SCALE < region["score"] < 1


# pycocotools is not written for numpy 2.
@pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)
def test_coco_tools_read_the_file(tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    labels, scores = make_map()
    (writer,) = open_writers(["coco"], WriterOptions(tmp_path / "a.json", ("a.png",), TABLE)).values()
    writer.close([("a.png", add(writer, "a.png", labels, scores=scores, rows=7))])
    file = coco.COCO(str(tmp_path / "a.json"))
    painted = np.zeros_like(labels)
    for annotation in file.loadAnns(file.getAnnIds()):
        mask = file.annToMask(annotation) == 1
        assert mask.sum() == annotation["area"]
        painted[mask] = TABLE.values.index(annotation["category_id"])
    np.testing.assert_array_equal(painted, np.where(labels == 255, 0, labels))


def test_a_table_of_regions(tmp_path: Path) -> None:
    scores = np.array([[0, 65535, 0], [13107, 0, 26214]], np.uint16)
    image = tmp_path / "in/a.tif"
    write_raster(image, np.zeros((2, 3), np.uint8))
    out = tmp_path / "regions.csv"
    (writer,) = open_writers(["regions_csv"], WriterOptions(out, ("a.tif",), TABLE)).values()
    writer.close([("a.tif", add(writer, "a.tif", MAPS["a.jpg"], scores=scores, file=image))])
    with out.open() as file:
        line, pit = csv.DictReader(file)
    with rasterio.open(image) as file:
        x, y = file.xy(1, 0)  # of the centre of the pixel
        area = abs(file.transform.a * file.transform.e)
    expected = f"a.tif,pit,3,2,1,1.0,0.0,1,0,1,1,0.2,0.2,{x},{y},{area}"
    assert list(pit.values()) == expected.split(",")
    assert (line["class"], line["area"], line["row"], line["col"]) == ("line", "3", "0.333", "1.667")
    assert (float(line["mean_score"]), float(line["max_score"])) == (round((1 + 0 + 0.4) / 3, 6), 1.0)


@pytest.mark.parametrize("kind", ["wgs84", "raster", "pixels"])
def test_polygons_of_regions_cover_their_pixels_on_the_map(kind: str, tmp_path: Path) -> None:
    labels, scores = make_map()
    image, out = tmp_path / "in/a.tif", tmp_path / "a.geojson"
    write_raster(image, np.zeros(labels.shape, np.uint8), **({"crs": None} if kind == "raster" else {}))
    (writer,) = open_writers(["regions_geojson"], WriterOptions(out, ("a.tif",), TABLE)).values()
    file = None if kind == "pixels" else image
    writer.close([("a.tif", add(writer, "a.tif", labels, scores=scores, rows=7, file=file))])
    features = json.loads(out.read_text())["features"]
    with rasterio.open(image) as opened:
        crs, transform = opened.crs, opened.transform
    painted, number = np.zeros_like(labels), 0
    for feature in features:
        assert feature["properties"]["coordinates"] == kind
        geometry = feature["geometry"]
        polygons = (
            geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
        )
        for rings in polygons:
            pixels = []
            for place, ring in enumerate(rings):
                x, y = np.array(ring).T
                turned = ((x - x[0])[:-1] * (y - y[0])[1:] - (x - x[0])[1:] * (y - y[0])[:-1]).sum()
                assert ring[0] == ring[-1] and (turned > 0) == (place == 0)
                if kind == "wgs84":
                    assert abs(x).max() <= 180 and abs(y).max() <= 90
                    x, y = map(np.array, rasterio.warp.transform("EPSG:4326", crs, x, y))
                if kind != "pixels":
                    x, y = (x - transform.c) / transform.a, (y - transform.f) / transform.e
                corners = np.stack([x, y], axis=1)
                np.testing.assert_allclose(corners, np.rint(corners), atol=0.01)
                pixels.append(np.rint(corners))
            inside = covered_pixels(pixels, Window(0, 0, *labels.shape))
            painted[inside] = TABLE.names.index(feature["properties"]["class"])
            number += inside.sum()
    np.testing.assert_array_equal(painted, np.where(labels == 255, 0, labels))
    assert number == (painted > 0).sum(), "no pixel lies in two polygons"


def test_an_overlay_tints_regions_and_draws_their_edges(tmp_path: Path) -> None:
    pixels = np.full((40, 50), 100, np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    labels = np.zeros((40, 50), np.uint8)
    labels[10:20, 10:30] = 1
    (writer,) = open_writers(["overlay"], WriterOptions(tmp_path / "out", ("a.png",), TABLE)).values()
    add(writer, "a.png", labels, rows=7, opened=ImageReading().open(tmp_path / "a.png"))
    found = np.asarray(Image.open(tmp_path / "out/a.png"))
    color = np.array(TABLE.colors[1])
    assert found[0, 0].tolist() == [100] * 3
    assert found[10, 15].tolist() == color.tolist() == found[19, 29].tolist()
    np.testing.assert_array_equal(found[15, 20], np.rint(0.6 * 100 + 0.4 * color))


def test_a_large_overlay_is_made_small_and_keeps_thin_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """50 x 70 pixels in blocks of 4; numbers of 16 bits are set beside the training images."""
    monkeypatch.setattr(overlay_writer, "_LONGEST", 20)
    monkeypatch.setattr(overlay_writer, "_PIECE", 10)
    pixels = np.random.default_rng(0).normal(1000, 100, (50, 70)).astype(np.uint16)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    labels = np.zeros((50, 70), np.uint8)
    labels[21, :] = 2
    labels[40:, 60:] = 1
    options = WriterOptions(tmp_path / "out", ("a.png",), TABLE, mean=[1000.0], std=[100.0])
    (writer,) = open_writers(["overlay"], options).values()
    add(writer, "a.png", labels, rows=7, opened=ImageReading().open(tmp_path / "a.png"))
    found = np.asarray(Image.open(tmp_path / "out/a.png"))
    assert found.shape == (13, 18, 3)
    np.testing.assert_array_equal(found[5], np.broadcast_to(TABLE.colors[2], (18, 3)))
    np.testing.assert_array_equal(found[10:, 15], np.broadcast_to(TABLE.colors[1], (3, 3)))
    mean = (128 + 0.45 * (pixels[48:, 4:8].astype(float) - 1000)).mean()
    assert abs(float(found[12, 1, 0]) - mean) <= 1
