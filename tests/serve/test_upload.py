"""Whatever bytes a client sends, they become an image or a refusal."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from inference.make_segmenter import make_segmenter
from rareseg.errors import DataError
from rareseg.serve.refusal import Refusal
from rareseg.serve.serve_options import ServeOptions
from rareseg.serve.upload import Upload
from rareseg.types import Window

MODEL = make_segmenter(tile=96)
OPTIONS = ServeOptions(max_megapixels=0.05)
FORMS = {"png": "PNG", "jpg": "JPEG", "tif": "TIFF"}


def _file(kind: str) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (12, 17)).astype(np.uint8)
    Image.fromarray(pixels).save(file, format=FORMS[kind])
    return file.getvalue()


FILES = {kind: _file(kind) for kind in FORMS}


def _try(data: bytes, kind: str) -> None:
    with warnings.catch_warnings():
        # Decoders warn of what is odd about a file that they read all the same.
        warnings.simplefilter("ignore")
        try:
            upload = Upload(MODEL, data, kind, OPTIONS)
        except Refusal as refusal:
            assert refusal.status in (400, 413, 422)
            assert "rareseg-" not in str(refusal)
            return
        try:
            height, width = upload.image.size
            assert height * width <= 50_000
            assert upload.image.read(Window(0, 0, height, width)).shape == (1, height, width)
        except DataError as error:
            assert "rareseg-" not in str(upload.broken(error))
        finally:
            upload.close()
    assert not upload.folder.exists()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(FILES)), st.data())
def test_damaged_files_are_images_or_refusals(kind: str, data: st.DataObject) -> None:
    content = bytearray(FILES[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    _try(bytes(content[: data.draw(st.integers(0, len(content)))]), kind)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"II+\x00", b""]),
    st.binary(),
)
def test_any_bytes_behind_the_first_are_images_or_refusals(start: bytes, rest: bytes) -> None:
    for kind in FORMS:
        _try(start + rest, kind)


@pytest.mark.parametrize("kind", FORMS)
def test_whole_files_are_images(kind: str) -> None:
    upload = Upload(MODEL, FILES[kind], kind, OPTIONS)
    assert upload.image.size == (12, 17)
    upload.close()
