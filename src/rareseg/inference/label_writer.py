"""What every way of writing predicted label maps offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rareseg.data.labels import ClassTable
from rareseg.registry import Registry

__all__ = ["WRITERS", "LabelWriter", "WriterOptions"]


class LabelWriter(Protocol):
    """Takes label maps one by one, in any order, and writes them at once or when closed."""

    def add(self, image: str, labels: NDArray[np.uint8]) -> None:
        """Take the label map of one image.

        Args:
            image: Its name, one of `WriterOptions.images`.
            labels: Class indices ``(h, w)``.
        """
        ...

    def close(self) -> None:
        """Write what is not on disk yet; images that were never added are left out."""
        ...


@dataclass(frozen=True)
class WriterOptions:
    """What is to be written, and where.

    Args:
        out: A folder or a file, as the format has it.
        images: Names of all images: paths below the folder that was given, with ``/`` and with their ending.
        class_table: Names, values and colours of the classes.
        columns: Names of a table's columns, for formats that are tables; None for the format's own.
        files: File of each image by its name, for formats that keep its place in the world; tiles of a stack
            have none.
    """

    out: Path
    images: tuple[str, ...]
    class_table: ClassTable
    columns: tuple[str, ...] | None = None
    files: Mapping[str, Path] = field(default_factory=dict)


WRITERS: Registry[Callable[[WriterOptions], LabelWriter]] = Registry("format of predictions")
"""Formats that ``rareseg predict --format`` can name. A mistake in the options is an error before the first image."""
