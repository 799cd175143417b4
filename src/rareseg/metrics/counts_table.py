"""The table behind every figure: TP, FP, FN, TN of each image and class at each evaluated step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import DataError
from rareseg.metrics.keyed_table import KeyedTable

__all__ = ["CountsTable"]


class CountsTable(KeyedTable):
    """Counts per step, split, image and class; ``counts.parquet`` of a run.

    Example:
        >>> table = CountsTable()
        >>> table.append(step=100, split="test", image="a", group="tile-1",
        ...              counts=np.array([[90, 2, 3, 5], [5, 3, 2, 90]]), class_names=("background", "crack"))
        >>> table.pooled()["crack"].tolist()
        [5, 3, 2, 90]
    """

    columns_of_values: ClassVar[Mapping[str, Literal["int64", "float64", "histogram"]]] = {
        "tp": "int64",
        "fp": "int64",
        "fn": "int64",
        "tn": "int64",
    }

    def append(
        self,
        *,
        step: int,
        split: str,
        image: str,
        group: str,
        counts: NDArray[np.integer],
        class_names: Sequence[str],
    ) -> None:
        """Add one image's counts ``(k, 4)`` as `confusion_counts` gives them.

        ``group`` is the physical object that the image shows; an empty one means that the image stands alone.

        Raises:
            DataError: ``counts`` is not ``(number of classes, 4)``.
        """
        counts = np.asarray(counts)
        if counts.ndim != 2 or counts.shape[1] != 4:
            raise DataError(
                f"'counts' should have the shape (classes, 4), but has {counts.shape}; give tp, fp, fn, tn."
            )
        values = {name: counts[:, column] for column, name in enumerate(self.columns_of_values)}
        self._append(step=step, split=split, image=image, group=group, class_names=class_names, values=values)

    def counts(self) -> NDArray[np.int64]:
        """All rows as ``(rows, 4)``: tp, fp, fn, tn."""
        return np.stack([self[name] for name in self.columns_of_values], axis=1)

    def pooled(self) -> dict[str, NDArray[np.int64]]:
        """Sum of tp, fp, fn, tn over all rows of each class, in class order."""
        counts, classes = self.counts(), self["class"]
        return {name: counts[classes == name].sum(axis=0) for name in self.class_names}

    def per_image(self, class_name: str) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
        """Names ``(n,)`` and counts ``(n, 4)`` of each image of one class, in the order of the rows."""
        rows = self["class"] == class_name
        return self["image"][rows], self.counts()[rows]
