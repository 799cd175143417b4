"""Which samples a stack of tiles has: each tile, or those that a table lists."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rareseg.artefacts import read_csv
from rareseg.config.dataset import DatasetSettings
from rareseg.data.array_file import ArrayPlace
from rareseg.data.excluded import without_excluded
from rareseg.data.mapped_array import MappedArray
from rareseg.data.samples import Sample
from rareseg.errors import ConfigError, DataError, DuplicateSampleError, MissingFileError

__all__ = ["find_stack_samples"]


def find_stack_samples(
    settings: DatasetSettings, arrays: Mapping[str, ArrayPlace], *, key: str, num: int
) -> tuple[dict[str, Sample], dict[str, int]]:
    """Samples by id, sorted, and the place of each in the stack.

    Without a table, ids are the key and the place: ``training_set/0012``. In a table, the column ``index``
    says the place, from 0, or an ``image`` cell that ends in ``[12]``, or else the order of the rows. Arrays
    with one number or text a tile are columns, as though they stood in the table.

    Args:
        settings: The dataset.
        arrays: All arrays of the file.
        key: Name of the stack.
        num: Tiles in it.

    Raises:
        ConfigError: The table lacks a column.
        DataError: A row names no tile, or two rows the same one.
        OptionError: ``exclude`` names a sample that does not exist.
    """
    columns = _columns(arrays, num)
    if settings.samples is None:
        digits = max(4, len(str(num - 1)))
        rows: dict[str, tuple[int, dict[str, str]]] = {
            f"{key}/{position:0{digits}d}": (position, {}) for position in range(num)
        }
    else:
        rows = _from_table(Path(settings.root) / settings.samples, num)
    kept = without_excluded(settings, rows)
    path = arrays[key].path
    samples = {
        name: Sample(path, name, {**{column: cells[position] for column, cells in columns.items()}, **row})
        for name, (position, row) in kept.items()
    }
    return samples, {name: position for name, (position, _) in kept.items()}


def _columns(arrays: Mapping[str, ArrayPlace], num: int) -> dict[str, list[str]]:
    """Cells of every array with one number or text for each tile."""
    return {
        name: [_text(value) for value in MappedArray(place).open().tolist()]
        for name, place in arrays.items()
        if place.shape == (num,) and place.dtype.kind in "buifSU"
    }


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _from_table(table: Path, num: int) -> dict[str, tuple[int, dict[str, str]]]:
    rows = read_csv(table)
    if not rows:
        raise MissingFileError(f"'{table}' has no rows; list at least one sample.")
    if "sample_id" not in rows[0]:
        raise ConfigError(
            f"'{table}' has no column 'sample_id', but has {', '.join(rows[0])}; add the column."
        )
    found: dict[str, tuple[int, dict[str, str]]] = {}
    owners: dict[int, str] = {}
    for line, (row, position) in enumerate(zip(rows, _positions(table, rows, num), strict=True), start=2):
        name = row["sample_id"].strip()
        if not name:
            raise DataError(f"'{table}' line {line} has an empty sample_id; fill it in or remove the line.")
        if name in found:
            raise DuplicateSampleError(f"'{table}' has the sample_id '{name}' twice; rename one of them.")
        other = owners.setdefault(position, name)
        if other != name:
            raise DuplicateSampleError(
                f"'{table}' line {line}: '{name}' is tile {position}, as '{other}' is; mend one of them."
            )
        found[name] = position, row
    return found


def _positions(table: Path, rows: list[dict[str, str]], num: int) -> list[int]:
    """The tile of each row."""
    if "index" in rows[0]:
        cells = [row["index"].strip() for row in rows]
        column = "index"
    elif "image" in rows[0] and all(row["image"].strip().endswith("]") for row in rows):
        cells = [row["image"].strip().rpartition("[")[2].removesuffix("]") for row in rows]
        column = "image"
    elif len(rows) == num:
        return list(range(num))
    else:
        raise DataError(
            f"'{table}' has {len(rows)} rows for {num} tiles, so their order does not say which is which; add "
            "a column 'index' that counts tiles from 0."
        )
    for line, cell in enumerate(cells, start=2):
        if not re.fullmatch(r"[0-9]{1,12}", cell) or int(cell) >= num:
            raise DataError(
                f"'{table}' line {line} has '{cell[:20]}' as its place (column '{column}'), but tiles are "
                f"counted from 0 to {num - 1}; mend the cell."
            )
    return [int(cell) for cell in cells]
