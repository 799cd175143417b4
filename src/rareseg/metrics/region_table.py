"""The table of regions: true, hit, predicted and false ones of each image and class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import DataError
from rareseg.metrics.keyed_table import KeyedTable

__all__ = ["RegionTable"]


class RegionTable(KeyedTable):
    """Regions per step, split, image and class; ``regions.parquet`` of a run.

    Example:
        >>> table = RegionTable()
        >>> table.append(step=1, split="test", image="a", group="", counts=np.array([[3, 2, 5, 3]]),
        ...              megapixels=0.5, class_names=["crack"])
        >>> int(table["num_false"][0]), float(table["megapixels"][0])
        (3, 0.5)
    """

    columns_of_values: ClassVar[Mapping[str, Literal["int64", "float64", "histogram"]]] = {
        "num_true": "int64",
        "num_hit": "int64",
        "num_predicted": "int64",
        "num_false": "int64",
        "megapixels": "float64",
    }

    def append(
        self,
        *,
        step: int,
        split: str,
        image: str,
        group: str,
        counts: NDArray[np.integer],
        megapixels: float,
        class_names: Sequence[str],
    ) -> None:
        """Add one image's counts ``(k, 4)`` as `region_counts` gives them.

        ``megapixels`` is the image's area that was judged: its pixels that are not ignored, in millions.

        Raises:
            DataError: ``counts`` is not ``(number of classes, 4)``.
        """
        counts = np.asarray(counts)
        if counts.ndim != 2 or counts.shape[1] != 4:
            raise DataError(f"'counts' should have the shape (classes, 4), but has {counts.shape}.")
        names = list(self.columns_of_values)
        values = {name: counts[:, column] for column, name in enumerate(names[:4])}
        values["megapixels"] = np.full(len(counts), megapixels, np.float64)
        self._append(step=step, split=split, image=image, group=group, class_names=class_names, values=values)
