"""A table of run lengths: which rows label an image, and where classes overlap."""

from __future__ import annotations

import csv
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rareseg.artefacts import read_csv
from rareseg.config.rle_csv import RleCsvSettings
from rareseg.data.labels import ClassTable
from rareseg.data.run_lengths import RunLengths, parse_run_lengths
from rareseg.errors import ConfigError, DataError, DuplicateSampleError, UnknownLabelError, did_you_mean

__all__ = ["RleTable", "read_cells", "read_rle_table"]

_MOST_PIXELS = 1 << 41
"""Above the last pixel of any run, see `parse_run_lengths`."""


@dataclass(frozen=True, eq=False)
class RleTable:
    """The rows of a table, by sample.

    Args:
        path: The file.
        runs: Run lengths of all rows.
        classes: Class index of every row ``(rows,)``.
        lines: Line of the file of every row ``(rows,)``.
        rows: For each sample that has some, its rows by class index.
    """

    path: Path
    runs: RunLengths
    classes: NDArray[np.int64]
    lines: NDArray[np.int64]
    rows: Mapping[str, Mapping[int, int]]

    def class_pixels(self, num_classes: int) -> NDArray[np.int64]:
        """Pixels that the table gives to each class, ``(num_classes,)``; overlaps count for each."""
        pixels = np.zeros(num_classes, np.int64)
        np.add.at(pixels, self.classes, self.runs.pixels)
        return pixels

    def name(self, row: int) -> str:
        """A row's name for messages."""
        return f"'{self.path}' line {self.lines[row]}"

    def overlaps(self) -> dict[str, int]:
        """Pixels with two classes or more of the samples that have such pixels."""
        samples = [sample for sample, rows in self.rows.items() if len(rows) > 1]
        if not samples:
            return {}
        # The runs of all rows in one go: each sample's pixels are numbered from a place of its own.
        rows = np.array([row for sample in samples for row in self.rows[sample].values()])
        places = np.repeat(np.arange(len(samples)), [len(self.rows[sample]) for sample in samples])
        counts = np.diff(self.runs.offsets)[rows]
        owners = np.repeat(places, counts)
        first = np.repeat(self.runs.offsets[rows] - np.cumsum(counts) + counts, counts)
        picked = first + np.arange(counts.sum())
        starts = owners * _MOST_PIXELS + self.runs.starts[picked]
        bounds = np.concatenate([starts, starts + self.runs.lengths[picked]])
        steps = np.repeat([1, -1], len(starts))
        order = np.argsort(bounds, kind="stable")
        bounds, depth = bounds[order], np.cumsum(steps[order])
        widths = np.where(depth[:-1] > 1, np.diff(bounds), 0)
        pixels = np.zeros(len(samples), np.int64)
        np.add.at(pixels, bounds[:-1] // _MOST_PIXELS, widths)
        return {sample: int(number) for sample, number in zip(samples, pixels, strict=True) if number}


def read_rle_table(
    path: Path,
    settings: RleCsvSettings,
    table: ClassTable,
    images: Mapping[str, str],
    *,
    left_out: Container[str] = (),
) -> RleTable:
    """Read a table of run lengths; whether runs lie inside their images is seen when these are read.

    Args:
        path: The CSV.
        settings: Its columns.
        table: Classes, which the table names by value or by name.
        images: Sample id of every name that an image may have in the table.
        left_out: Names without ending of images whose rows are passed over.

    Raises:
        ConfigError: The file is missing, no CSV, or lacks a column.
        DataError: A row names an image that does not exist or holds no run lengths.
        UnknownLabelError: A row names no class.
        DuplicateSampleError: Two rows label one image with one class.
    """
    cells = read_cells(path)
    for column in settings.columns:
        if cells and column not in cells[0]:
            raise ConfigError(
                f"'{path}' has no column '{column}', but has {', '.join(cells[0])}; mend the section rle_csv of "
                f"dataset.yaml.{_hint(settings, cells[0])}"
            )
    indices = _class_indices(table)
    rows: dict[str, dict[int, int]] = {}
    classes: list[int] = []
    lines: list[int] = []
    for line, cell in enumerate(cells, start=2):
        image, label = _image_and_class(cell, settings)
        if not image or not label:
            raise DataError(
                f"'{path}' line {line} should name an image and a class"
                f"{' as in a.jpg_1' if settings.joined_column else ''}; mend the row."
            )
        if image not in images:
            if image in left_out or image.rpartition(".")[0] in left_out:
                continue
            raise DataError(
                f"'{path}' line {line} names the image '{image}', which does not exist."
                f"{did_you_mean(image, images)} Add the image or remove the row."
            )
        sample = images[image]
        index = indices.get(label, 0)
        if index == 0:
            raise _no_class(label, label in indices, table, f"'{path}' line {line}")
        own = rows.setdefault(sample, {})
        if index in own:
            raise DuplicateSampleError(
                f"'{path}' labels the image '{image}' with the class '{table.names[index]}' twice, in lines "
                f"{lines[own[index]]} and {line}; join or remove one of them."
            )
        own[index] = len(lines)
        classes.append(index)
        lines.append(line)

    def name(row: int) -> str:
        cell = cells[lines[row] - 2]
        image, label = _image_and_class(cell, settings)
        return f"'{path}' line {lines[row]} (image '{image}', class {label})"

    runs = parse_run_lengths([cells[line - 2][settings.runs_column].strip(" ") for line in lines], name)
    return RleTable(path, runs, np.array(classes, np.int64), np.array(lines, np.int64), rows)


def read_cells(path: Path) -> list[dict[str, str]]:
    """Read a CSV whose cells may be longer than Python's reader has it: a large image's runs can take megabytes.

    Raises:
        ConfigError: The file is missing or no CSV.
    """
    before = csv.field_size_limit(1 << 30)
    try:
        return read_csv(path)
    finally:
        csv.field_size_limit(before)


def _hint(settings: RleCsvSettings, found: Mapping[str, str]) -> str:
    """What a table with one column less may need."""
    joined = [name for name in found if name != settings.runs_column]
    if settings.joined_column is None and len(joined) == 1:
        return f" Where one column holds image and class, give it as joined_column: {joined[0]}."
    return ""


def _image_and_class(cell: Mapping[str, str], settings: RleCsvSettings) -> tuple[str, str]:
    if settings.joined_column is None:
        return cell[settings.image_column].strip(), cell[settings.class_column].strip()
    image, _, label = cell[settings.joined_column].strip().rpartition("_")
    return image, label


def _class_indices(table: ClassTable) -> dict[str, int]:
    """Class index by name and by value, as text; where a name looks like another's value, the value counts."""
    names = {name: index for index, name in enumerate(table.names)}
    return names | {str(value): index for index, value in enumerate(table.values)}


def _no_class(label: str, is_background: bool, table: ClassTable, where: str) -> UnknownLabelError:
    known = ", ".join(
        f"{value} {name}" for value, name in zip(table.values[1:], table.names[1:], strict=True)
    )
    if is_background:
        return UnknownLabelError(
            f"{where} names the class '{label}', which is the background: what has no other class. Known: {known}. "
            "Remove the row, or give the background another value in dataset.yaml."
        )
    return UnknownLabelError(
        f"{where} names the class '{label}', which is no value or name of a class. Known: {known}. Add the "
        "class to dataset.yaml or mend the row."
    )
