"""An image that a client sent: from the body of a request to something that can be judged, within limits."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from rareseg.data.image_file import read_header
from rareseg.data.image_header import ImageHeader
from rareseg.data.image_reading import OpenImage
from rareseg.errors import DataError
from rareseg.inference.segmenter import Segmenter
from rareseg.serve.refusal import Refusal
from rareseg.serve.serve_options import ServeOptions

__all__ = ["TYPES", "Upload", "read_body"]

TYPES = {"image/png": "png", "image/jpeg": "jpg", "image/tiff": "tif"}
"""Content types of images, and the endings of files that hold them."""
_ANY = ("application/octet-stream", "")
_BEGINNINGS = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpg",
    # Little and big endian, each as plain and as BigTIFF.
    b"II*\x00": "tif",
    b"MM\x00*": "tif",
    b"II+\x00": "tif",
    b"MM\x00+": "tif",
}


async def read_body(request: Request, *, max_bytes: int) -> tuple[bytes, str]:
    """The bytes of an image and its kind, ``png``, ``jpg`` or ``tif``, which its first bytes tell.

    Args:
        request: With the image as its body, or as the one file of a form (multipart/form-data).
        max_bytes: Of the body.

    Raises:
        Refusal: Too large (413), no image or several (400), or of another type (415).
    """
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > max_bytes:
        raise _too_long(max_bytes)
    stream = _limited(request, max_bytes)
    if declared == "multipart/form-data":
        data, declared = await _read_form(request, stream)
    elif declared in TYPES or declared in _ANY:
        data = b"".join([chunk async for chunk in stream])
    else:
        raise _wrong_type(declared)
    if not data:
        raise Refusal(
            400, "The request holds no image (0 bytes); send one as the body, or as a file of a form."
        )
    kind = next((kind for start, kind in _BEGINNINGS.items() if data.startswith(start)), None)
    if kind is None and declared in TYPES:
        raise Refusal(
            400, f"The image is said to be {declared}, but does not begin like one; send the file as it is."
        )
    if kind is None:
        raise _wrong_type(declared)
    return data, kind


class Upload:
    """An image file of its own in a folder of its own, with a name of ours; nothing that the client names is a path.

    Args:
        segmenter: What will judge it.
        data: The file.
        kind: ``png``, ``jpg`` or ``tif``.
        options: The limits.

    Raises:
        Refusal: The image is broken (400), has too many pixels (413), or other bands than the model takes (422).
    """

    def __init__(self, segmenter: Segmenter, data: bytes, kind: str, options: ServeOptions) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rareseg-"))
        try:
            self.path = self.folder / f"image.{kind}"
            self.path.write_bytes(data)
            self.header, self.image = self._open(segmenter, options)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Remove its folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def broken(self, error: DataError) -> Refusal:
        """What to say of an error in the image, without the path that only the server knows."""
        return Refusal(
            400, str(error).replace(f"'{self.path}'", "The image").replace(str(self.path), "the image")
        )

    def _open(self, segmenter: Segmenter, options: ServeOptions) -> tuple[ImageHeader, OpenImage]:
        try:
            header = read_header(self.path)
            _check_bands(header.num_bands, segmenter)
            _check_pixels(header, segmenter, options)
            return header, segmenter.reading.open(self.path)
        except DataError as error:
            raise self.broken(error) from error


def _check_bands(found: int, segmenter: Segmenter) -> None:
    chosen, needed = segmenter.reading.bands, segmenter.judge.predictor.engine.in_channels
    if chosen is None and found != needed:
        raise Refusal(
            422, f"The model takes images of {needed} bands, but this one has {found}; send others."
        )
    if chosen is not None and found <= max(chosen):
        raise Refusal(
            422,
            f"The model takes band {max(chosen)}, counted from 0, but this image has {found} bands; send others.",
        )


def _check_pixels(header: ImageHeader, segmenter: Segmenter, options: ServeOptions) -> None:
    """Bands beyond those that the model takes are decoded too, so they count."""
    extra = max(1.0, header.num_bands / segmenter.judge.predictor.engine.in_channels)
    megapixels = header.height * header.width * extra / 1e6
    if megapixels > options.max_megapixels:
        raise Refusal(
            413,
            f"Images may have {options.max_megapixels:g} megapixels, but this one has {megapixels:.4g} "
            f"({header.height} x {header.width}); cut it into smaller ones.",
        )


async def _limited(request: Request, max_bytes: int) -> AsyncIterator[bytes]:
    """The body as it comes, whatever length it is said to have."""
    number = 0
    async for chunk in request.stream():
        number += len(chunk)
        if number > max_bytes:
            raise _too_long(max_bytes)
        yield chunk


async def _read_form(request: Request, stream: AsyncIterator[bytes]) -> tuple[bytes, str]:
    """The one file of a form, and its type."""
    parser = MultiPartParser(request.headers, stream, max_files=1, max_fields=16)  # type: ignore[arg-type]
    try:
        form = await parser.parse()
    except MultiPartException as error:
        reason = error.message.rstrip(".")
        raise Refusal(400, f"The form cannot be read ({reason}); send one image as its only file.") from None
    try:
        files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
        if not files:
            raise Refusal(400, "The form holds no file; send one image as its only file.")
        declared = (files[0].content_type or "").partition(";")[0].strip().lower()
        if declared not in TYPES and declared not in _ANY:
            raise _wrong_type(declared)
        return await files[0].read(), declared
    finally:
        await form.close()


def _too_long(max_bytes: int) -> Refusal:
    return Refusal(
        413, f"Requests may have {max_bytes / 1e6:g} megabytes, but this one has more; send a smaller image."
    )


def _wrong_type(declared: str) -> Refusal:
    given = f"'{declared}' came" if declared not in _ANY else "this is none of them"
    return Refusal(
        415, f"Images of the types {', '.join(TYPES)} are expected, but {given}; convert the image."
    )
