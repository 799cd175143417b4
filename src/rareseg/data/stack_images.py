"""Images that lie in one array, a tile after the other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rareseg.data.image_header import ImageHeader
from rareseg.data.mapped_array import MappedArray
from rareseg.data.stack_axes import as_nchw
from rareseg.errors import DataError
from rareseg.types import Window

__all__ = ["StackImages"]

_NATIVE = ("uint8", "uint16", "float32")


class StackImages:
    """An `ImageReader` of a stack. A window touches only its own pixels of a mapped array.

    Args:
        array: The stack.
        axes: Letters of its axes, such as ``nchw``.
        positions: Place in the stack of each sample.
        mask_channel: The channel that is no band but the mask.

    Raises:
        DataError: The array holds no numbers, or nothing beside the mask.
    """

    windowed = True

    def __init__(
        self,
        array: MappedArray,
        axes: str,
        positions: Mapping[str, int],
        *,
        mask_channel: Literal["first", "last"] | None = None,
    ) -> None:
        self._array, self._axes, self._positions = array, axes, positions
        place = array.place
        lengths = dict(zip(axes, place.shape, strict=True))
        num_channels = lengths.get("c", 1)
        shown = f"'{place.path}' holds {' x '.join(map(str, place.shape))} {place.dtype.name} ({axes})"
        if place.dtype.kind not in "buif":
            raise DataError(f"{shown} as images, but numbers were expected; name another array: npz.images.")
        self._bands = slice(0, num_channels)
        if mask_channel is not None:
            if num_channels < 2:
                raise DataError(
                    f"{shown}, so it has no channel for a mask (npz.mask_channel) beside the image; "
                    "give masks.key instead."
                )
            self._bands = slice(1, num_channels) if mask_channel == "first" else slice(0, num_channels - 1)
        self._header = ImageHeader(
            lengths["h"], lengths["w"], self._bands.stop - self._bands.start, _band_type(place.dtype)
        )

    def header(self, sample: str) -> ImageHeader:
        """The same for all samples."""
        return self._header

    def path(self, sample: str) -> Path:
        """The file with the stack."""
        return self._array.place.path

    def read(self, sample: str, window: Window | None = None) -> NDArray[np.generic]:
        """Pixels ``(c, h, w)``: uint8 and uint16 as they are, booleans as 0 and 255, others as float32."""
        tile = as_nchw(np.asarray(self._array.open()), self._axes)[self._positions[sample], self._bands]
        pixels: NDArray[Any] = tile if window is None else tile[:, *window.slices]
        if pixels.dtype == np.bool_:
            return pixels.astype(np.uint8) * np.uint8(255)
        with np.errstate(over="ignore"):
            return pixels.astype(self._header.dtype)

    def invalid(self, sample: str, window: Window | None = None) -> None:
        """None: a stack marks no pixel as missing."""


def _band_type(dtype: np.dtype[Any]) -> str:
    if dtype == np.bool_:
        return "uint8"
    name = dtype.newbyteorder("=").name
    return name if name in _NATIVE else "float32"
