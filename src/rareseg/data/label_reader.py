"""Where one set of labels comes from: mask files, run lengths in a table, polygons, stacks of arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rareseg.types import Window

__all__ = ["LabelReader"]


class LabelReader(Protocol):
    """Masks by sample id, in whole-image coordinates. It can be pickled and read from several threads at once."""

    @property
    def windowed(self) -> bool:
        """Whether a window costs less than the whole; where not, the source keeps the last whole mask."""
        ...

    def paths(self, sample: str) -> tuple[Path, ...]:
        """The files that hold the mask; empty where there is none."""
        ...

    def first_path(self, sample: str) -> Path:
        """The first of `paths`.

        Raises:
            MissingFileError: There is none.
        """
        ...

    def read(self, sample: str, shape: tuple[int, int], window: Window | None = None) -> NDArray[np.uint8]:
        """Class indices of a window inside the image, or of the whole of it: ``(h, w)``, 255 where ignored.

        Args:
            sample: Its id.
            shape: Rows and columns of its image.
            window: The part to read.

        Raises:
            DataError: The mask is missing or broken, of another size than the image, or holds unknown values.
        """
        ...
