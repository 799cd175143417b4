"""Where a source's pixels come from: files decoded as a whole, rasters read in windows, stacks of arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rareseg.data.image_header import ImageHeader
from rareseg.types import Window

__all__ = ["ImageReader"]


class ImageReader(Protocol):
    """Images by sample id, in whole-image coordinates. It can be pickled and read from several threads at once.

    Regions of interest and the choice of bands are not its business: `SampleSource` applies them.
    """

    @property
    def windowed(self) -> bool:
        """Whether a window costs less than the whole; where not, the source keeps the last whole image."""
        ...

    def header(self, sample: str) -> ImageHeader:
        """Size, bands and number type, without decoding pixels.

        Raises:
            DataError: The file is missing or damaged.
        """
        ...

    def path(self, sample: str) -> Path:
        """The file that holds the image."""
        ...

    def read(self, sample: str, window: Window | None = None) -> NDArray[np.generic]:
        """All bands of a window inside the image, or of the whole of it: ``(c, h, w)``.

        Raises:
            DataError: The file is missing or damaged.
        """
        ...

    def invalid(self, sample: str, window: Window | None = None) -> NDArray[np.bool_] | None:
        """Where there is no data, ``(h, w)``, such as a raster's nodata; None where the format knows of none."""
        ...
