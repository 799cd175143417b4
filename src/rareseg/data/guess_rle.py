"""A first ``dataset.yaml`` for a folder with a table of run lengths, as image contests lay it out."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rareseg.data.image_file import IMAGE_ENDINGS
from rareseg.data.rle_table import read_cells

__all__ = ["guess_rle"]

_RUNS = "EncodedPixels"
_SEPARATE = {"ImageId", "ClassId", _RUNS}
_JOINED = "ImageId_ClassId"


def guess_rle(folder: Path) -> dict[str, Any] | None:
    """Describe a folder that holds a CSV with the columns ImageId, ClassId (or both joined) and EncodedPixels.

    Args:
        folder: Holds the table and, in itself or in a folder of it, the images.

    Returns:
        A mapping to be written as ``dataset.yaml``, or None where there is no such table or none of its images.
        Tables without any run, such as a contest's sample of a submission, are passed over.

    Raises:
        ConfigError: The table is no CSV.
    """
    for path in sorted(folder.glob("*.csv")):
        joined = _layout(path)
        if joined is None:
            continue
        rows = read_cells(path)
        names = [row[_JOINED].rpartition("_")[0] if joined else row["ImageId"] for row in rows]
        labels = {row[_JOINED].rpartition("_")[2] if joined else row["ClassId"] for row in rows}
        images = _images(folder, set(names))
        if images is None or not any(row[_RUNS].strip() for row in rows):
            continue
        section = {"file": path.name, **({"joined_column": _JOINED} if joined else {})}
        return {
            "name": folder.resolve().name,
            "root": ".",
            "format": "rle_csv",
            "images": images,
            "rle_csv": section,
            "classes": [{"name": "background"}, *_classes(labels)],
            "split": {"kind": "group"},
        }
    return None


def _layout(path: Path) -> bool | None:
    """Whether image and class are joined; None where the header is another one."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            header = set(next(csv.reader(file), ()))
    except (OSError, UnicodeDecodeError, csv.Error):
        return None
    if header == {_JOINED, _RUNS}:
        return True
    return False if header == _SEPARATE else None


def _images(folder: Path, names: set[str]) -> str | None:
    """The folder, below the given one, with the most of the named images."""
    found = {
        place: sum(name in names for name in files if name.lower().endswith(IMAGE_ENDINGS))
        for place, files in _folders(folder)
    }
    best = max(found, key=lambda place: found[place])
    return best if found[best] else None


def _folders(folder: Path) -> Iterator[tuple[str, list[str]]]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield Path(place).relative_to(folder).as_posix(), files


def _classes(labels: set[str]) -> list[dict[str, Any]]:
    """Numbers become values, anything else a name."""
    if all(label.isascii() and label.isdigit() and 0 < int(label) < 65536 for label in labels):
        return [{"name": f"class_{value}", "value": value} for value in sorted(map(int, labels))]
    return [{"name": label} for label in sorted(labels) if label]
