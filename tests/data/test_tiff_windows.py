"""Windows of TIFFs are parts of the whole, however the file is laid out, and pieces are decoded once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from rareseg.data import tiff_windows
from rareseg.data.image_file import read_image_file
from rareseg.data.tiff_windows import TiffWindows
from rareseg.errors import UnreadableFileError
from rareseg.types import Window

LAYOUTS: dict[str, dict[str, Any]] = {
    "strips": {"rowsperstrip": 7},
    "one strip": {},
    "tiles": {"tile": (16, 32)},
    "uncompressed": {"compression": None},
    "uncompressed tiles": {"tile": (16, 32), "compression": None},
}
BANDS = {
    "one band": ((70, 90), {}),
    "samples": ((70, 90, 3), {"photometric": "rgb"}),
    "planes": ((5, 70, 90), {"planarconfig": "separate", "photometric": "minisblack"}),
    "pages": ((5, 70, 90), {"photometric": "minisblack"}),
    "narrow pages": ((70, 90, 5), {"photometric": "minisblack"}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("bands", BANDS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "int32"])
def test_windows_are_parts_of_the_whole(layout: str, bands: str, dtype: str, tmp_path: Path) -> None:
    shape, options = BANDS[bands]
    if bands == "narrow pages" and "tile" in LAYOUTS[layout]:
        pytest.skip("pages of five columns have no tiles")
    rng = np.random.default_rng(0)
    path = tmp_path / "a.tif"
    given = {"compression": "zlib", **LAYOUTS[layout], **options}
    tifffile.imwrite(path, rng.integers(0, 250, shape).astype(dtype), **given)
    whole = read_image_file(path)
    windows = TiffWindows(path)
    for window in (Window(0, 0, 70, 90), Window(13, 29, 40, 50), Window(69, 89, 1, 1), Window(32, 0, 8, 90)):
        found = windows.read(window)
        assert found.dtype == whole.dtype and found.flags.c_contiguous
        np.testing.assert_array_equal(found, whole[:, *window.slices])


def offset_of(path: Path, piece: int) -> int:
    with tifffile.TiffFile(path) as file:
        return int(file.pages[0].dataoffsets[piece])


def test_pieces_are_decoded_once_while_they_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.random.default_rng(0).integers(0, 250, (64, 96)).astype(np.uint8)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image, rowsperstrip=8, compression="zlib")
    offset = offset_of(path, 1)
    windows = TiffWindows(path)
    windows.read(Window(0, 0, 20, 30))
    data = bytearray(path.read_bytes())
    data[offset + 5 : offset + 40] = bytes(35)
    path.write_bytes(data)
    np.testing.assert_array_equal(windows.read(Window(0, 40, 20, 30))[0], image[:20, 40:70])
    with pytest.raises(UnreadableFileError, match=r"a\.tif' cannot be decoded"):
        TiffWindows(path).read(Window(0, 40, 20, 30))
    monkeypatch.setattr(tiff_windows, "_CACHE_BYTES", 2 * 8 * 96)
    windows.read(Window(30, 0, 30, 9))
    with pytest.raises(UnreadableFileError, match=r"a\.tif' cannot be decoded"):
        windows.read(Window(0, 40, 20, 30))


def test_a_file_that_ends_too_early_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, np.random.default_rng(0).integers(0, 250, (64, 96)).astype(np.uint8), compression="zlib"
    )
    data = path.read_bytes()
    path.write_bytes(data[: offset_of(path, 0) + 100])
    with pytest.raises(UnreadableFileError, match="cannot be decoded"):
        TiffWindows(path).read(Window(0, 0, 8, 8))
