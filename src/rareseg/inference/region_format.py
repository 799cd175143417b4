"""Formats whose one file says something of every region, as a function for an image and one for the file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from rareseg.artefacts import atomic_path
from rareseg.inference.label_writer import LabelSink, PredictedImage, WriterOptions
from rareseg.inference.region_sink import RegionSink
from rareseg.metrics.region_stream import Regions, RegionStream

__all__ = ["RegionFormat", "RegionTable"]

Entries = Iterable[tuple[str, Iterable[str]]]


@dataclass(frozen=True)
class RegionFormat:
    """One entry of `WRITERS`; a `LabelWriterType`.

    Attributes:
        place: Name of the file where several formats are written at once.
        lines: What the file says of the regions of an image, line by line, as they are taken.
        write: Writes the file from the lines of all images.
        keep_runs: Whether `lines` needs the pixels of regions, not their measures alone.
        is_table: All images go into one file.
        takes_columns: The user cannot name columns.
        needs_scores: Regions are told with their scores.
    """

    place: str
    lines: Callable[[Regions, PredictedImage, WriterOptions], Iterator[str]]
    write: Callable[[TextIO, Entries, WriterOptions], None]
    keep_runs: bool = False
    is_table: bool = True
    takes_columns: bool = False
    needs_scores: bool = True

    def __call__(self, options: WriterOptions) -> RegionTable:
        """A writer of this format; ``options.out`` is the file."""
        return RegionTable(self, options)


@dataclass(frozen=True)
class RegionTable:
    """A `LabelWriter` of a `RegionFormat`."""

    format: RegionFormat
    options: WriterOptions
    is_table: bool = True
    needs_scores: bool = True

    @property
    def place(self) -> str:
        """Name of the file where several formats are written at once."""
        return self.format.place

    def has(self, name: str) -> bool:
        """Whether the file is there."""
        return self.options.out.is_file()

    @contextmanager
    def open(self, image: PredictedImage) -> Iterator[LabelSink]:
        """A sink for one image."""
        stream = RegionStream(image.size, keep_runs=self.format.keep_runs)
        yield RegionSink(stream, lambda regions: self.format.lines(regions, image, self.options))

    def close(self, entries: Entries) -> None:
        """Write the file, whole or not at all."""
        with (
            atomic_path(self.options.out) as temporary,
            temporary.open("w", encoding="utf-8", newline="") as file,
        ):
            self.format.write(file, entries, self.options)
