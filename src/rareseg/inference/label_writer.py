"""What every way of writing predicted label maps offers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from rareseg.data.labels import ClassTable
from rareseg.inference.label_strip import LabelStrip
from rareseg.registry import Registry

if TYPE_CHECKING:
    from rareseg.data.image_reading import OpenImage

__all__ = ["WRITERS", "LabelSink", "LabelWriter", "LabelWriterType", "PredictedImage", "WriterOptions"]


@dataclass(frozen=True)
class PredictedImage:
    """An image whose label map is to be written.

    Args:
        name: One of `WriterOptions.images`.
        size: Rows and columns.
        opened: Gives its pixels, for formats that show them.
        file: Its file, for formats that keep its place in the world; tiles of a stack have none.
    """

    name: str
    size: tuple[int, int]
    opened: OpenImage | None = None
    file: Path | None = None


class LabelSink(Protocol):
    """Takes the label map of one image strip by strip, from the top."""

    def add(self, strip: LabelStrip) -> None:
        """The next rows."""
        ...

    def entry(self) -> Iterable[str] | None:
        """After the last strip: what a table says of the image, as lines; None for a file of its own.

        Lines have no end of line. They can be made as they are taken, so that a million regions need no memory for
        their text.
        """
        ...


class LabelWriter(Protocol):
    """Writes label maps: a file for each image, or one table of all; its class is a `LabelWriterType`."""

    @property
    def is_table(self) -> bool: ...
    @property
    def needs_scores(self) -> bool: ...

    def has(self, name: str) -> bool:
        """Whether the file of an image, or the table, is there."""
        ...

    def open(self, image: PredictedImage) -> AbstractContextManager[LabelSink]:
        """A sink for one image. A file of its own appears when the context ends, and not at all after an error.

        Raises:
            DataError: The format cannot take this image.
        """
        ...

    def close(self, entries: Iterable[tuple[str, Iterable[str]]]) -> None:
        """Write the table.

        Args:
            entries: Names of images and the lines of their entries, in the order of `WriterOptions.images`; images
                that failed are left out.
        """
        ...


@dataclass(frozen=True)
class WriterOptions:
    """What is to be written, and where.

    Args:
        out: A folder or a file, as the format has it.
        images: Names of all images: paths below the folder that was given, with ``/`` and with their ending.
        class_table: Names, values and colours of the classes.
        columns: Names of a table's columns, for formats that take them; None for the format's own.
        mean: Of each band of the training images, for formats that show pixels.
        std: Of each band.
        scratch: Folder for unfinished files of images, see `atomic_path`.
    """

    out: Path
    images: tuple[str, ...]
    class_table: ClassTable
    columns: tuple[str, ...] | None = None
    mean: Sequence[float] = ()
    std: Sequence[float] = ()
    scratch: Path | None = None


class LabelWriterType(Protocol):
    """The class of a `LabelWriter`, or a value that makes one, see `RegionFormat`.

    Attributes:
        place: Name of its folder or file where several formats are written at once; a file has an ending.
        is_table: Whether all images go into one file, which `LabelWriter.close` writes.
        takes_columns: Whether the user can name its columns.
        needs_scores: Whether strips must carry scores.
    """

    @property
    def place(self) -> str: ...
    @property
    def is_table(self) -> bool: ...
    @property
    def takes_columns(self) -> bool: ...
    @property
    def needs_scores(self) -> bool: ...

    def __call__(self, options: WriterOptions) -> LabelWriter: ...


WRITERS: Registry[LabelWriterType] = Registry("format of predictions")
"""Formats that ``rareseg predict --format`` can name. A mistake in the options is an error before the first image."""
