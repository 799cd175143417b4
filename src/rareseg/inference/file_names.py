"""Names of the files that belong to images, one for each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

__all__ = ["file_names"]


def file_names(images: Sequence[str]) -> dict[str, str]:
    """A name without ending for each image, distinct where images of one name lie in several folders.

    Example:
        >>> file_names(["a.jpg", "b.jpg"]), file_names(["x/a.jpg", "y/a.jpg"])
        ({'a.jpg': 'a', 'b.jpg': 'b'}, {'x/a.jpg': 'x__a_jpg', 'y/a.jpg': 'y__a_jpg'})
    """
    stems = [PurePosixPath(image).stem for image in images]
    if len(set(stems)) < len(stems):
        stems = [image.replace("/", "__").replace(".", "_") for image in images]
    return dict(zip(images, stems, strict=True))
