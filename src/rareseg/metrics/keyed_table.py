"""Columns of numpy arrays that are keyed by step, split, image, group and class, kept as Parquet."""

from __future__ import annotations

from abc import ABC
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rareseg.artefacts import read_parquet, write_parquet
from rareseg.errors import ArtefactError, DataError

__all__ = ["KeyedTable"]

_NAMES = ("split", "image", "group", "class")


class KeyedTable(ABC):
    """What the tables of counts, regions and scores have in common: a row for each image and class.

    Rows are added with the subclass's ``append`` and read as whole columns: ``table["image"]``.
    """

    columns_of_values: ClassVar[Mapping[str, Literal["int64", "float64", "histogram"]]]

    def __init__(self) -> None:
        self._blocks: list[dict[str, NDArray[Any]]] = []

    @classmethod
    def column_names(cls) -> tuple[str, ...]:
        """All columns, in the order of the file."""
        return ("step", *_NAMES, *cls.columns_of_values)

    @classmethod
    def from_columns(cls, columns: Mapping[str, ArrayLike]) -> Self:
        """Build a table from whole columns, one value a row.

        Raises:
            ArtefactError: A column is missing, or has another length, type or a negative value.
        """
        table = cls()
        table._add(columns)
        return table

    @classmethod
    def concat(cls, tables: Iterable[Self]) -> Self:
        """The rows of all tables, in order."""
        joined = cls()
        joined._blocks = [block for table in tables for block in table._blocks]
        return joined

    def write(self, path: Path) -> None:
        """Write the table as Parquet, atomically; repeated names are stored once."""
        import pyarrow as pa

        written: dict[str, Any] = {"step": self["step"]}
        for name in _NAMES:
            index, values = _encode(self[name])
            written[name] = pa.DictionaryArray.from_arrays(pa.array(index), pa.array(values, pa.string()))
        for name, kind in self.columns_of_values.items():
            column = self[name]
            if kind == "histogram":
                offsets = np.arange(len(self) + 1, dtype=np.int32) * np.int32(column.shape[1])
                column = pa.ListArray.from_arrays(pa.array(offsets), pa.array(column.reshape(-1)))
            written[name] = column
        write_parquet(Path(path), written)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a table that `write` wrote.

        Raises:
            ArtefactError: The file is missing or damaged, or lacks a column.
        """
        stored = read_parquet(Path(path))
        columns: dict[str, Any] = {}
        for name in cls.column_names():
            if name not in stored.column_names:
                raise ArtefactError(f"'{path}' has no column '{name}'; delete it and evaluate the run again.")
            column = stored.column(name).combine_chunks()
            if column.null_count:
                raise ArtefactError(
                    f"'{path}' has empty cells in '{name}'; delete it and evaluate the run again."
                )
            columns[name] = column
        try:
            return cls.from_columns({name: _decode(name, column) for name, column in columns.items()})
        except ArtefactError as error:
            raise ArtefactError(f"'{path}' is damaged: {error}") from None

    def select(
        self,
        *,
        step: int | None = None,
        split: str | None = None,
        classes: Collection[str] | None = None,
    ) -> Self:
        """The rows of one step, one split, some classes; None takes all.

        Raises:
            DataError: No row is left.
        """
        keep = np.ones(len(self), bool)
        if step is not None:
            keep &= self["step"] == step
        if split is not None:
            keep &= self["split"] == split
        if classes is not None:
            keep &= np.isin(self["class"], list(classes))
        if not keep.any():
            raise DataError(
                f"No row has step {step}, split {split}, classes {classes}; "
                f"there are steps {self.steps} and splits {self.splits}."
            )
        chosen = type(self)()
        chosen._blocks = [{name: self[name][keep] for name in self.column_names()}]
        return chosen

    def without(self, images: Collection[tuple[str, str]]) -> Self:
        """The rows of all images but these, each given as its split and name."""
        if not images:
            return self
        kept = type(self)()
        keys = zip(self["split"].tolist(), self["image"].tolist(), strict=True)
        keep = np.array([key not in images for key in keys], bool)
        kept._blocks = [{name: self[name][keep] for name in self.column_names()}]
        return kept

    def last_step(self) -> int:
        """The highest step.

        Raises:
            DataError: The table has no rows.
        """
        if not len(self):
            raise DataError(
                "The table should hold at least one evaluation, but has no rows; evaluate the run first."
            )
        return int(self["step"].max())

    @property
    def steps(self) -> tuple[int, ...]:
        """Steps that were evaluated, ascending."""
        return tuple(int(step) for step in np.unique(self["step"]))

    @property
    def splits(self) -> tuple[str, ...]:
        """Splits in order of first appearance."""
        return _distinct(self["split"])

    @property
    def class_names(self) -> tuple[str, ...]:
        """Classes in order of first appearance, which is their index order."""
        return _distinct(self["class"])

    def __len__(self) -> int:
        return sum(len(block["step"]) for block in self._blocks)

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self.column_names():
            raise KeyError(name)
        if len(self._blocks) != 1:
            self._blocks = [self._joined()]
        return self._blocks[0][name]

    def _joined(self) -> dict[str, NDArray[Any]]:
        empty = self._checked({name: [] for name in self.column_names()})
        blocks = [block for block in self._blocks if len(block["step"])] or [empty]
        return {name: np.concatenate([block[name] for block in blocks]) for name in self.column_names()}

    def _append(
        self,
        *,
        step: int,
        split: str,
        image: str,
        group: str,
        class_names: Sequence[str],
        values: Mapping[str, NDArray[Any]],
    ) -> None:
        """Add one row for each class, in class order."""
        num_classes = len(class_names)
        for name, value in values.items():
            if len(value) != num_classes:
                raise DataError(
                    f"'{name}' should have {num_classes} rows, one a class, but has {len(value)}."
                )
        keys = {"step": [step], "split": [split], "image": [image], "group": [group]}
        repeated = {name: np.repeat(np.asarray(value), num_classes) for name, value in keys.items()}
        self._add({**repeated, "class": list(class_names), **values})

    def _add(self, columns: Mapping[str, ArrayLike]) -> None:
        self._blocks.append(self._checked(columns))

    @classmethod
    def _checked(cls, columns: Mapping[str, ArrayLike]) -> dict[str, NDArray[Any]]:
        missing = [name for name in cls.column_names() if name not in columns]
        if missing:
            raise ArtefactError(f"A table of this kind has the column '{missing[0]}', but none came; add it.")
        kinds = {"step": "int64", **dict.fromkeys(_NAMES, "name"), **cls.columns_of_values}
        checked = {name: _column(name, columns[name], kind) for name, kind in kinds.items()}
        lengths = {name: len(column) for name, column in checked.items()}
        if len(set(lengths.values())) > 1:
            raise ArtefactError(
                f"All columns should have the same length, but have {lengths}; evaluate again."
            )
        return checked


def _column(name: str, values: ArrayLike, kind: str) -> NDArray[Any]:
    column = np.asarray(values)
    if kind == "name":
        if column.size and column.dtype.kind != "U":
            raise ArtefactError(
                f"Column '{name}' should hold text, but holds {column.dtype}; evaluate again."
            )
        return column.astype(str)
    expected = "iu" if kind in ("int64", "histogram") else "iuf"
    if column.size and column.dtype.kind not in expected:
        raise ArtefactError(
            f"Column '{name}' should hold {kind} values, but holds {column.dtype}; evaluate again."
        )
    if column.size and column.min() < 0:
        raise ArtefactError(f"Column '{name}' should hold counts, but holds {column.min()}; evaluate again.")
    if kind == "histogram":
        return column.astype(np.int64).reshape(len(column), -1) if column.size else np.zeros((0, 0), np.int64)
    return column.astype(np.int64 if kind == "int64" else np.float64)


def _distinct(column: NDArray[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(column.tolist()))


def _encode(column: NDArray[Any]) -> tuple[NDArray[np.int32], list[str]]:
    index = {value: number for number, value in enumerate(_distinct(column))}
    return np.array([index[value] for value in column.tolist()], np.int32), list(index)


def _decode(name: str, column: Any) -> NDArray[Any]:
    import pyarrow as pa

    rows = len(column)
    if pa.types.is_dictionary(column.type):
        values = np.array([*column.dictionary.to_pylist(), ""], dtype=str)
        decoded: NDArray[Any] = values[column.indices.to_numpy(zero_copy_only=False)]
        return decoded
    if pa.types.is_list(column.type):
        lengths = np.diff(column.offsets.to_numpy())
        if rows and (lengths != lengths[0]).any():
            raise ArtefactError(
                f"Rows of '{name}' should have equally many bins, but differ; evaluate again."
            )
        flat = np.asarray(column.flatten().to_numpy(zero_copy_only=False))
        return flat.reshape(rows, -1) if rows else np.zeros((0, 0), np.int64)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return np.array(column.to_pylist(), dtype=str)
    return np.asarray(column.to_numpy(zero_copy_only=False))
