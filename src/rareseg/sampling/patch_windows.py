"""The windows of some patches, before any pixel is fetched."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rareseg.types import Window

__all__ = ["PatchWindows"]


@dataclass(frozen=True, eq=False)
class PatchWindows:
    """Windows of ``b`` patches of one size.

    Attributes:
        index: ``(b,)`` place of each patch in the stream; augmentation takes its randomness from it.
        region_index: ``(b,)`` number of the training region.
        windows: ``(b, 4)`` row, col, height, width; row and col count from the region's own corner and may be
            negative where the patch is larger than the region.

    Example:
        >>> patch = PatchWindows(np.array([8]), np.array([0]), np.array([[3, 5, 16, 16]]))
        >>> patch.window(0)
        Window(row=3, col=5, height=16, width=16)
    """

    index: NDArray[np.int64]
    region_index: NDArray[np.int64]
    windows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.index)

    @property
    def rows(self) -> NDArray[np.int64]:
        """``(b,)`` first row of each patch."""
        return self.windows[:, 0]

    @property
    def cols(self) -> NDArray[np.int64]:
        """``(b,)`` first column of each patch."""
        return self.windows[:, 1]

    @property
    def height(self) -> int:
        """Rows of a patch, the same for all of them."""
        return int(self.windows[0, 2])

    @property
    def width(self) -> int:
        """Columns of a patch, the same for all of them."""
        return int(self.windows[0, 3])

    def window(self, number: int) -> Window:
        """The window of one patch of the batch, for messages."""
        return Window(*self.windows[number].tolist())
