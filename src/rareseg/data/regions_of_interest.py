"""The part of each image to use, from a table."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

from rareseg.artefacts import read_csv
from rareseg.errors import ConfigError, DataError
from rareseg.types import Window

__all__ = ["read_regions_of_interest"]

_COLUMNS = ("row", "col", "height", "width")


def read_regions_of_interest(
    path: Path, samples: Container[str], excluded: Container[str]
) -> dict[str, Window]:
    """Boxes by sample id; samples that the table does not name are used whole.

    Args:
        path: CSV with the columns sample_id, row, col, height, width in pixels, from 0.
        samples: The ids that exist.
        excluded: Ids that may be named without effect.

    Raises:
        ConfigError: The table is missing or lacks a column.
        DataError: A row names an unknown or a second box for a sample, or holds no whole numbers.
    """
    boxes: dict[str, Window] = {}
    for line, row in enumerate(read_csv(path), start=2):
        for column in ("sample_id", *_COLUMNS):
            if column not in row:
                raise ConfigError(
                    f"'{path}' has no column '{column}', but has {', '.join(row)}; add the column."
                )
        name = row["sample_id"].strip()
        if name in excluded:
            continue
        if name not in samples or name in boxes:
            problem = "twice" if name in boxes else "which does not exist"
            raise DataError(
                f"'{path}' line {line} names the sample '{name}', {problem}; mend or remove the line."
            )
        try:
            box = Window(*(int(row[column]) for column in _COLUMNS))
        except ValueError:
            cells = ", ".join(row[column] for column in _COLUMNS)
            raise DataError(
                f"'{path}' line {line} should hold row, col, height and width as whole numbers, but holds "
                f"{cells}; mend the line."
            ) from None
        boxes[name] = box
    return boxes
