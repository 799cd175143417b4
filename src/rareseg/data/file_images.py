"""Images that lie in one file each, decoded as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rareseg.data.image_file import read_header, read_image_file
from rareseg.data.image_header import ImageHeader
from rareseg.data.samples import Sample
from rareseg.types import Window

__all__ = ["FileImages"]


class FileImages:
    """An `ImageReader` of png, jpg, tif and bmp files.

    Args:
        samples: The samples by id.
    """

    windowed = False

    def __init__(self, samples: Mapping[str, Sample]) -> None:
        self._samples = samples

    def header(self, sample: str) -> ImageHeader:
        """Size, bands and number type from the file's header."""
        return read_header(self.path(sample))

    def path(self, sample: str) -> Path:
        """The image file."""
        return self._samples[sample].image

    def read(self, sample: str, window: Window | None = None) -> NDArray[np.generic]:
        """Pixels ``(c, h, w)`` in the file's own numbers."""
        return read_image_file(self.path(sample), window)

    def invalid(self, sample: str, window: Window | None = None) -> None:
        """None: these formats mark no pixel as missing."""
