"""What mask files hold, before it becomes class indices."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rareseg.data.image_file import IMAGE_ENDINGS, read_mask_file
from rareseg.data.pillow_file import MaskLook
from rareseg.errors import SizeMismatchError
from rareseg.types import Window

__all__ = ["MaskPixels", "PictureMasks", "check_mask_size"]

_LOOKS: dict[str, MaskLook] = {"indexed": "raw", "rgb": "color", "binary": "grey", "per_class": "grey"}


class MaskPixels(Protocol):
    """Reads mask files. It can be pickled and read from several threads at once."""

    @property
    def windowed(self) -> bool:
        """Whether a window costs less than the whole; where not, `read` gives the whole."""
        ...

    @property
    def endings(self) -> tuple[str, ...]:
        """Endings of files that are looked for, in lower case."""
        ...

    def read(
        self, path: Path, kind: str, *, image: Path, shape: tuple[int, int], window: Window | None
    ) -> NDArray[np.generic]:
        """Numbers of a mask file, ``(h, w)`` or ``(h, w, c)``.

        Args:
            path: The mask.
            kind: Of masks, as in ``masks.kind``.
            image: The image that it belongs to.
            shape: Rows and columns of that image.
            window: The part to read.

        Raises:
            DataError: The mask is missing, broken or of another size than the image.
        """
        ...


class PictureMasks:
    """Masks that Pillow and tifffile decode, as a whole."""

    windowed = False
    endings = IMAGE_ENDINGS

    def read(
        self, path: Path, kind: str, *, image: Path, shape: tuple[int, int], window: Window | None
    ) -> NDArray[np.generic]:
        """All pixels of the file."""
        raw = read_mask_file(path, _LOOKS[kind])
        check_mask_size(raw.shape[0], raw.shape[1], path, image=image, shape=shape)
        return raw


def check_mask_size(height: int, width: int, path: Path, *, image: Path, shape: tuple[int, int]) -> None:
    """Refuse a mask of another size than its image.

    Raises:
        SizeMismatchError: Both sizes and files are in the message.
    """
    if (height, width) == shape:
        return
    turned = " They look turned: save the image as it is shown." if (width, height) == shape else ""
    raise SizeMismatchError(
        f"The mask '{path}' is {height} x {width} pixels (rows x columns), but its image '{image}' is "
        f"{shape[0]} x {shape[1]}.{turned} Make both the same size, or list its id under `exclude`."
    )
