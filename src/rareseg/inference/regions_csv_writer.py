"""The format ``regions_csv``: one table with a row for every predicted region."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from rareseg.artefacts import atomic_path
from rareseg.inference.label_writer import WRITERS, LabelSink, PredictedImage, WriterOptions
from rareseg.inference.region_sink import RegionSink, place_of, region_figures
from rareseg.metrics.region_stream import Regions, RegionStream

__all__ = ["RegionsCsvWriter"]

_COLUMNS = (
    *("image", "class", "value", "region", "area", "row", "col", "top", "left", "height", "width"),
    *("mean_score", "max_score", "x", "y", "area_m2"),
)


@WRITERS.register("regions_csv")
class RegionsCsvWriter:
    """Writes class, size, place and score of every 8-connected region, see `region_figures`.

    Args:
        options: ``out`` is the file.
    """

    place = "regions.csv"
    is_table = True
    takes_columns = False
    needs_scores = True

    def __init__(self, options: WriterOptions) -> None:
        self._out = options.out
        self._class_table = options.class_table

    def has(self, name: str) -> bool:
        """Whether the table is there."""
        return self._out.is_file()

    @contextmanager
    def open(self, image: PredictedImage) -> Iterator[LabelSink]:
        """A sink for one image."""
        place = place_of(image)

        def rows(regions: Regions) -> Iterator[str]:
            for figures in region_figures(regions, self._class_table, place):
                yield _row([image.name, *(figures[column] for column in _COLUMNS[1:])])

        yield RegionSink(RegionStream(image.size), rows)

    def close(self, entries: Iterable[tuple[str, Iterable[str]]]) -> None:
        """Write the table."""
        with atomic_path(self._out) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            file.write(_row(_COLUMNS) + "\n")
            for _, rows in entries:
                file.writelines(row + "\n" for row in rows)


def _row(cells: Sequence[object]) -> str:
    """A line of a table."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()
