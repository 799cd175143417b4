from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from rareseg.data.image_file import image_size, read_header, read_image_file, read_mask_file
from rareseg.data.indexed_png import write_indexed_png
from rareseg.errors import DataError, MissingFileError, RaresegError, UnreadableFileError
from rareseg.types import Window


def random(shape: tuple[int, ...], dtype: type = np.uint8) -> np.ndarray:
    generator = np.random.default_rng(len(shape))
    if np.issubdtype(dtype, np.floating):
        return generator.normal(size=shape).astype(dtype)
    return generator.integers(0, np.iinfo(dtype).max, shape, dtype=dtype)


@pytest.mark.parametrize("ending", ["png", "bmp", "tif"])
@pytest.mark.parametrize("channels", [0, 3])
def test_lossless_8_bit_files_come_back(tmp_path: Path, ending: str, channels: int) -> None:
    pixels = random((7, 9, channels) if channels else (7, 9))
    path = tmp_path / f"a.{ending}"
    Image.fromarray(pixels).save(path)
    expected = pixels.transpose(2, 0, 1) if channels else pixels[None]
    found = read_image_file(path)
    assert found.dtype == np.uint8
    assert found.tolist() == expected.tolist()
    assert read_image_file(path, Window(2, 3, 4, 5)).tolist() == expected[:, 2:6, 3:8].tolist()
    assert image_size(path) == (7, 9)
    assert read_header(path) == (7, 9, channels or 1, "uint8")


def test_jpeg_is_what_pillow_decodes(tmp_path: Path) -> None:
    Image.fromarray(random((16, 24, 3))).save(tmp_path / "a.jpg", quality=90)
    with Image.open(tmp_path / "a.jpg") as image:
        expected = np.asarray(image).transpose(2, 0, 1)
    assert read_image_file(tmp_path / "a.jpg").tolist() == expected.tolist()


def test_16_bit_grey_png_keeps_its_numbers(tmp_path: Path) -> None:
    pixels = random((5, 6), np.uint16)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    found = read_image_file(tmp_path / "a.png")
    assert found.dtype == np.uint16
    assert found[0].tolist() == pixels.tolist()
    assert read_header(tmp_path / "a.png") == (5, 6, 1, "uint16")
    assert read_mask_file(tmp_path / "a.png").tolist() == pixels.tolist()


def png_of(depth: int, color_type: int, row: bytes, height: int, width: int) -> bytes:
    """A PNG put together by hand, since no library at hand writes 16-bit colour."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0)
    data = zlib.compress((b"\0" + row) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_16_bit_colour_png_is_refused_before_it_loses_bits(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png_of(16, 2, bytes(range(12)), 3, 2))
    for read in (read_header, read_image_file, read_mask_file):
        with pytest.raises(
            UnreadableFileError, match=r"16-bit PNG with 3 channels.*convert it to a 16-bit tif"
        ):
            read(path)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("layout", ["interleaved", "planar", "pages", "last"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_tiff_bands_come_first_however_they_are_stored(
    tmp_path: Path, dtype: type, layout: str, compression: str | None
) -> None:
    pixels = random((5, 40, 50), dtype)
    path = tmp_path / "a.tiff"
    options: dict[str, object] = {"photometric": "minisblack", "compression": compression}
    if layout == "interleaved":
        tifffile.imwrite(
            path, np.ascontiguousarray(pixels.transpose(1, 2, 0)), planarconfig="contig", **options
        )
    elif layout == "planar":
        tifffile.imwrite(path, pixels, planarconfig="separate", **options)
    elif layout == "pages":
        tifffile.imwrite(path, pixels, **options)
    else:
        tifffile.imwrite(path, np.ascontiguousarray(pixels.transpose(1, 2, 0)), **options)
    assert read_header(path) == (40, 50, 5, np.dtype(dtype).name)
    found = read_image_file(path)
    assert found.dtype == dtype
    assert np.array_equal(found, pixels)
    assert np.array_equal(read_image_file(path, Window(3, 10, 7, 2)), pixels[:, 3:10, 10:12])


def test_big_endian_and_wide_numbers_become_plain_ones(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", random((6, 7), np.uint16), byteorder=">")
    found = read_image_file(tmp_path / "a.tif")
    assert found.dtype == np.dtype(np.uint16)
    assert found.dtype.isnative
    assert np.array_equal(found[0], random((6, 7), np.uint16))
    tifffile.imwrite(tmp_path / "b.tif", np.array([[-3, 70000]], np.int32))
    assert read_image_file(tmp_path / "b.tif").tolist() == [[[-3.0, 70000.0]]]
    assert read_mask_file(tmp_path / "b.tif").tolist() == [[-3, 70000]]
    assert read_header(tmp_path / "b.tif").dtype == "float32"


def test_tiff_compressions_that_need_a_package_fall_back_or_say_so(tmp_path: Path) -> None:
    pixels = random((20, 30, 3))
    Image.fromarray(pixels).save(tmp_path / "a.tif", compression="tiff_lzw")
    assert np.array_equal(read_image_file(tmp_path / "a.tif"), pixels.transpose(2, 0, 1))
    palette = Image.fromarray(np.array([[0, 1, 2]], np.uint8))
    palette.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    palette.save(tmp_path / "p.tif")
    assert read_mask_file(tmp_path / "p.tif").tolist() == [[0, 1, 2]]
    assert read_image_file(tmp_path / "p.tif")[:, 0, 1].tolist() == [40, 50, 60]


def test_several_images_in_one_tiff_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", random((2, 3, 8, 9)), photometric="minisblack")
    with pytest.raises(
        UnreadableFileError, match=r"one image of one or more bands.*save each image in a file"
    ):
        read_image_file(tmp_path / "a.tif")


def test_palettes_are_indices_in_masks_and_colours_in_images(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 1, 255]], np.uint8))
    image.putpalette([9, 9, 9, 200, 0, 0] + [0] * 759 + [1, 2, 3])
    image.save(tmp_path / "a.png")
    assert read_mask_file(tmp_path / "a.png").tolist() == [[0, 1, 255]]
    assert read_mask_file(tmp_path / "a.png", "color")[0, 1].tolist() == [200, 0, 0]
    assert read_mask_file(tmp_path / "a.png", "grey")[0, 0] == 9
    assert read_image_file(tmp_path / "a.png")[:, 0, 2].tolist() == [1, 2, 3]
    image.save(tmp_path / "t.png", transparency=bytes([0, 255]))
    assert read_image_file(tmp_path / "t.png")[:, 0, 1].tolist() == [200, 0, 0]


def test_one_bit_masks_are_booleans_and_one_bit_images_black_and_white(tmp_path: Path) -> None:
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "a.png")
    assert read_mask_file(tmp_path / "a.png").dtype == np.bool_
    assert read_image_file(tmp_path / "a.png").tolist() == [[[255, 0]]]


@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "bmp"])
def test_truncated_files_are_named_in_one_line(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    Image.fromarray(random((40, 40, 3))).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    for read in (read_image_file, read_mask_file):
        with pytest.raises(
            UnreadableFileError, match=rf"a\.{ending}' cannot be decoded \(.*copy it anew"
        ) as caught:
            read(path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "bmp"])
def test_what_is_no_image_is_named(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_text("these are words")
    with pytest.raises(UnreadableFileError, match=r"'.*a\.\w+' (is not an image|cannot be decoded)"):
        image_size(path)
    path.write_bytes(b"")
    with pytest.raises(UnreadableFileError, match=r"(is empty \(0 bytes\)|cannot be decoded)"):
        image_size(path)
    with pytest.raises(MissingFileError, match=r"b\.\w+' does not exist"):
        read_image_file(tmp_path / f"b.{ending}")


def test_folders_and_windows_outside_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="is a folder"):
        read_image_file(tmp_path)
    Image.fromarray(random((4, 5))).save(tmp_path / "a.png")
    with pytest.raises(
        DataError, match=r"4 x 5 pixels, so it does not hold the box \(row 2, col 0, height 3"
    ):
        read_image_file(tmp_path / "a.png", Window(2, 0, 3, 1))


def test_a_picture_that_claims_billions_of_pixels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(
        png_of(8, 0, b"\0", 1, 1).replace(struct.pack(">II", 1, 1), struct.pack(">II", 90_000, 90_000))
    )
    with pytest.raises(UnreadableFileError, match=r"a\.png'"):
        read_image_file(path)


def test_scans_beyond_pillows_own_limit_open(tmp_path: Path) -> None:
    Image.new("1", (14_000, 14_000)).save(tmp_path / "a.png")
    assert image_size(tmp_path / "a.png") == (14_000, 14_000)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["png", "tif", "bmp"]),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1),
)
def test_damage_of_any_kind_is_our_error_or_none(
    tmp_path: Path, ending: str, changes: list[tuple[float, int]]
) -> None:
    path = tmp_path / f"a.{ending}"
    Image.fromarray(random((12, 10, 3))).save(path)
    data = bytearray(path.read_bytes())
    for place, value in changes:
        data[min(int(place * 150), len(data) - 1)] = value
    path.write_bytes(data)
    for read in (read_header, read_image_file, read_mask_file):
        try:
            read(path)
        except RaresegError as error:
            assert "\n" not in str(error)


@given(st.integers(1, 20), st.integers(1, 20), st.data())
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_indexed_pngs_hold_indices_and_colours(
    tmp_path: Path, height: int, width: int, data: st.DataObject
) -> None:
    values = data.draw(st.lists(st.integers(0, 255), min_size=height * width, max_size=height * width))
    mask = np.array(values, np.uint8).reshape(height, width)
    palette = bytes(np.random.default_rng(0).integers(0, 256, 768, dtype=np.uint8))
    path = tmp_path / "new" / "m.png"
    write_indexed_png(path, mask, palette)
    assert np.array_equal(read_mask_file(path), mask)
    colors = np.frombuffer(palette, np.uint8).reshape(256, 3)
    assert np.array_equal(read_image_file(path), colors[mask].transpose(2, 0, 1))
    assert [item.name for item in path.parent.iterdir()] == ["m.png"]
