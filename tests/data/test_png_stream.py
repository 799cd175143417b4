"""PNGs that are written a few rows at a time, read back by Pillow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rareseg.data.png_stream import PngStream


@pytest.mark.parametrize("width", [1, 7, 2000])
@pytest.mark.parametrize("grey", [False, True], ids=["indexed", "grey"])
def test_rows_come_back_however_they_were_cut(tmp_path: Path, width: int, grey: bool) -> None:
    rng = np.random.default_rng(width)
    height, cuts = 1300, [1, 2, 700, 1299]
    dtype = np.uint16 if grey else np.uint8
    values = rng.integers(0, np.iinfo(dtype).max, (height, width), dtype=dtype, endpoint=True)
    with PngStream(tmp_path / "a.png", (height, width), None if grey else bytes(range(256)) * 3) as stream:
        for part in np.split(values, cuts):
            stream.write(part)
    with Image.open(tmp_path / "a.png") as image:
        image.load()
        assert image.mode == ("I;16" if grey else "P")
        np.testing.assert_array_equal(np.asarray(image), values)


def test_smooth_grey_takes_little_room(tmp_path: Path) -> None:
    smooth = np.add.outer(np.arange(500), np.arange(400) // 7).astype(np.uint16)
    with PngStream(tmp_path / "a.png", smooth.shape, None) as stream:
        stream.write(smooth)
    assert (tmp_path / "a.png").stat().st_size < smooth.nbytes / 100


def test_an_error_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(KeyError), PngStream(tmp_path / "a.png", (2, 2), None) as stream:
        stream.write(np.zeros((1, 2), np.uint16))
        raise KeyError
    assert list(tmp_path.iterdir()) == []
