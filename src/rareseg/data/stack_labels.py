"""Masks that lie in one array: one of their own, or a channel of the images' stack."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rareseg.data.labels import ClassTable, encode_mask
from rareseg.data.mapped_array import MappedArray
from rareseg.data.stack_axes import as_nchw
from rareseg.errors import UnknownLabelError
from rareseg.types import Window

__all__ = ["StackLabels"]


class StackLabels:
    """A `LabelReader` of a stack. A window touches only its own pixels of a mapped array.

    Args:
        array: The stack.
        axes: Letters of its axes, such as ``nhw``, or with ``c`` where one channel is the mask.
        positions: Place in the stack of each sample.
        table: Classes and their values.
        key: The array's name, for messages.
        channel: Which channel is the mask.
    """

    windowed = True

    def __init__(
        self,
        array: MappedArray,
        axes: str,
        positions: Mapping[str, int],
        table: ClassTable,
        *,
        key: str,
        channel: Literal["first", "last"] = "first",
    ) -> None:
        self._array, self._axes, self._positions, self._table = array, axes, positions, table
        self._key, self._channel = key, 0 if channel == "first" else -1

    def paths(self, sample: str) -> tuple[Path, ...]:
        """The file with the stack."""
        return (self.first_path(sample),)

    def first_path(self, sample: str) -> Path:
        """The file with the stack."""
        return self._array.place.path

    def read(self, sample: str, shape: tuple[int, int], window: Window | None = None) -> NDArray[np.uint8]:
        """Class indices ``(h, w)`` of a window, or of the whole tile; 255 where ignored.

        Raises:
            UnknownLabelError: A value belongs to no class, or is no whole number.
            UnreadableFileError: The file is damaged.
        """
        position = self._positions[sample]
        tile = as_nchw(np.asarray(self._array.open()), self._axes)[position, self._channel]
        where = f"{self.first_path(sample)}:{self._key}[{position}]"
        try:
            raw = tile if window is None else tile[window.slices]
            return encode_mask(np.ascontiguousarray(raw), self._table, where)
        except UnknownLabelError:
            # The whole tile says the same with a place that counts from the tile's own corner.
            encode_mask(np.ascontiguousarray(tile), self._table, where)
            raise
