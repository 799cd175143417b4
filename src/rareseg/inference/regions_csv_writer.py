"""The format ``regions_csv``: class, size, place and score of every predicted region as a row of one table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from rareseg.inference.label_writer import WRITERS, PredictedImage, WriterOptions
from rareseg.inference.region_format import RegionFormat
from rareseg.inference.region_sink import place_of, region_figures
from rareseg.metrics.region_stream import Regions

__all__ = ["REGIONS_CSV"]

_COLUMNS = (
    *("image", "class", "value", "region", "area", "row", "col", "top", "left", "height", "width"),
    *("mean_score", "max_score", "x", "y", "area_m2"),
)


def _rows(regions: Regions, image: PredictedImage, options: WriterOptions) -> Iterator[str]:
    for figures in region_figures(regions, options.class_table, place_of(image)):
        yield _row([image.name, *(figures[column] for column in _COLUMNS[1:])])


def _write(file: TextIO, entries: Iterable[tuple[str, Iterable[str]]], options: WriterOptions) -> None:
    file.write(_row(_COLUMNS) + "\n")
    for _, rows in entries:
        file.writelines(row + "\n" for row in rows)


def _row(cells: Sequence[object]) -> str:
    """A line of a table."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


REGIONS_CSV = RegionFormat("regions.csv", _rows, _write)
"""Columns are those of `region_figures`, after the name of the image."""
WRITERS.register("regions_csv")(REGIONS_CSV)
