"""Formats of predicted label maps: what is written is what was predicted, under names that stay distinct."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rareseg.artefacts import read_csv
from rareseg.config.dataset import ClassSettings
from rareseg.data.labels import ClassTable
from rareseg.data.run_lengths import decode_run_lengths
from rareseg.errors import DataError, OptionError, UnknownNameError
from rareseg.inference.label_writer import WriterOptions
from rareseg.inference.writers import open_writer

TABLE = ClassTable.from_classes(
    [ClassSettings(name="good"), ClassSettings(name="pit", value=3), ClassSettings(name="line", value=1)]
)
IMAGES = ("a.jpg", "deep/b.jpg")
MAPS = {
    "a.jpg": np.array([[0, 2, 2], [1, 0, 2]], np.uint8),
    "deep/b.jpg": np.zeros((4, 2), np.uint8),
}


def write(form: str, out: Path, **options: tuple[str, ...]) -> None:
    writer = open_writer(form, WriterOptions(out, IMAGES, TABLE, **options))
    for image in reversed(IMAGES):
        writer.add(image, MAPS[image])
    writer.close()


def test_png_holds_class_indices(tmp_path: Path) -> None:
    write("png", tmp_path / "out")
    for name, image in (("a", "a.jpg"), ("b", "deep/b.jpg")):
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out" / f"{name}.png")), MAPS[image])


def test_names_of_pngs_stay_distinct(tmp_path: Path) -> None:
    images = ("x/a.jpg", "y/a.jpg", "a.png")
    writer = open_writer("png", WriterOptions(tmp_path, images, TABLE))
    for image in images:
        writer.add(image, np.zeros((2, 2), np.uint8))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a_png.png", "x__a_jpg.png", "y__a_jpg.png"]


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


def test_images_that_were_left_out_have_no_row(tmp_path: Path) -> None:
    writer = open_writer("rle_csv", WriterOptions(tmp_path / "labels.csv", IMAGES, TABLE))
    writer.add("deep/b.jpg", MAPS["deep/b.jpg"])
    assert not (tmp_path / "labels.csv").exists()
    writer.close()
    assert {row["ImageId"] for row in read_csv(tmp_path / "labels.csv")} == {"deep/b.jpg"}


@pytest.mark.parametrize("columns", [("one",), ("a", "b", "c", "d"), ("a", "a"), ("a", "")])
def test_a_wrong_number_of_columns_is_refused(columns: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--columns should name three columns"):
        open_writer("rle_csv", WriterOptions(tmp_path / "x.csv", IMAGES, TABLE, columns))


def test_options_without_effect_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="png have no columns"):
        open_writer("png", WriterOptions(tmp_path, IMAGES, TABLE, ("a", "b")))
    with pytest.raises(OptionError, match="rle_csv writes one file"):
        open_writer("rle_csv", WriterOptions(tmp_path, IMAGES, TABLE))
    (tmp_path / "file").write_text("")
    with pytest.raises(OptionError, match="png need a folder"):
        open_writer("png", WriterOptions(tmp_path / "file", IMAGES, TABLE))
    with pytest.raises(UnknownNameError, match="Did you mean 'rle_csv'"):
        open_writer("rle", WriterOptions(tmp_path, IMAGES, TABLE))


def test_a_flat_table_has_a_row_an_image_and_a_column_a_pixel(tmp_path: Path) -> None:
    out = tmp_path / "labels.csv"
    maps = np.random.default_rng(0).integers(0, 3, (3, 4, 5)).astype(np.uint8)
    names = ("test_set/0000", "test_set/0001", "test_set/0002")
    writer = open_writer("flat_csv", WriterOptions(out, names, TABLE, ("row",)))
    for place in (2, 0):
        writer.add(names[place], maps[place])
    writer.close()
    lines = [line.split(",") for line in out.read_text().splitlines()]
    assert lines[0] == ["row", *map(str, range(20))]
    assert [line[0] for line in lines[1:]] == ["0", "2"]
    values = np.array([0, 3, 1])
    for line, place in zip(lines[1:], (0, 2), strict=True):
        np.testing.assert_array_equal(np.array(line[1:], int), values[maps[place]].ravel())


def test_a_flat_table_refuses_what_does_not_fit_into_it(tmp_path: Path) -> None:
    writer = open_writer("flat_csv", WriterOptions(tmp_path / "x.csv", IMAGES, TABLE))
    writer.add("a.jpg", MAPS["a.jpg"])
    with pytest.raises(DataError, match=r"'deep/b\.jpg' has 4 x 2 pixels, but 'a\.jpg' 2 x 3"):
        writer.add("deep/b.jpg", MAPS["deep/b.jpg"])
    writer.close()
    assert (tmp_path / "x.csv").read_text() == "id,0,1,2,3,4,5\n0,0,1,1,3,0,1\n"
    with pytest.raises(OptionError, match="should name one column for flat_csv"):
        open_writer("flat_csv", WriterOptions(tmp_path / "x.csv", IMAGES, TABLE, ("a", "b")))
    with pytest.raises(OptionError, match="flat_csv writes one file"):
        open_writer("flat_csv", WriterOptions(tmp_path, IMAGES, TABLE))
