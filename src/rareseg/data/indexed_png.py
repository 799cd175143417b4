"""Write label maps as indexed PNGs: each pixel its class index, shown in the class's colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rareseg.artefacts import atomic_path

__all__ = ["write_indexed_png"]


def write_indexed_png(path: Path, mask: NDArray[np.uint8], palette: bytes) -> None:
    """Write a mask so that programs read class indices and people see colours.

    Args:
        path: Where; folders are made, and the file is written whole or not at all.
        mask: ``(h, w)`` class indices, 255 for ignored pixels.
        palette: 768 bytes, red, green and blue of each index, from `ClassTable.palette`.

    Example:
        >>> import tempfile
        >>> from rareseg.data.image_file import read_mask_file
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "a.png"
        ...     write_indexed_png(path, np.array([[0, 1, 255]], np.uint8), bytes(768))
        ...     read_mask_file(path).tolist()
        [[0, 1, 255]]
    """
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(mask, np.uint8))
    image.putpalette(palette)
    with atomic_path(Path(path)) as temporary:
        # The search for a better filter that `optimize` makes costs more time than it saves bytes here.
        image.save(temporary, format="PNG", optimize=False)
