"""What the header of an image file says, without decoding its pixels."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ImageHeader"]


class ImageHeader(NamedTuple):
    """Size, bands and number type of an image as `read_image_file` gives it."""

    height: int
    width: int
    num_bands: int
    dtype: str
    """``uint8``, ``uint16`` or ``float32``."""
