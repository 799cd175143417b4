"""The table of scores: histograms of positives and negatives of each image and class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import ArtefactError, DataError
from rareseg.metrics.bins import NUM_BINS
from rareseg.metrics.keyed_table import KeyedTable

__all__ = ["ScoreTable"]


class ScoreTable(KeyedTable):
    """Score histograms per step, split, image and class; ``scores.parquet`` of a run.

    Example:
        >>> table = ScoreTable()
        >>> positives, negatives = np.zeros((1, 256)), np.zeros((1, 256))
        >>> positives[0, 200], negatives[0, 3] = 5, 95
        >>> table.append(step=1, split="val", image="a", group="", positives=positives.astype(int),
        ...              negatives=negatives.astype(int), class_names=["crack"])
        >>> hit, missed = table.pooled()["crack"]
        >>> int(hit.sum()), int(missed.sum())
        (5, 95)
    """

    columns_of_values: ClassVar[Mapping[str, Literal["int64", "float64", "histogram"]]] = {
        "positives": "histogram",
        "negatives": "histogram",
    }

    def append(
        self,
        *,
        step: int,
        split: str,
        image: str,
        group: str,
        positives: NDArray[np.integer],
        negatives: NDArray[np.integer],
        class_names: Sequence[str],
    ) -> None:
        """Add one image's histograms ``(k, 256)`` as `ScoreHistogram` holds them.

        Raises:
            DataError: A histogram is not ``(number of classes, 256)``.
        """
        values = {"positives": np.asarray(positives), "negatives": np.asarray(negatives)}
        for name, value in values.items():
            if value.ndim != 2 or value.shape[1] != NUM_BINS:
                raise DataError(
                    f"'{name}' should have the shape (classes, {NUM_BINS}), but has {value.shape}."
                )
        self._append(step=step, split=split, image=image, group=group, class_names=class_names, values=values)

    def pooled(self) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Positives and negatives ``(256,)`` of each class, summed over all rows."""
        positives, negatives, classes = self["positives"], self["negatives"], self["class"]
        if len(self) and positives.shape[1] != NUM_BINS:
            raise ArtefactError(
                f"Histograms should have {NUM_BINS} bins, but have {positives.shape[1]}; evaluate again."
            )
        rows = {name: classes == name for name in self.class_names}
        return {name: (positives[row].sum(axis=0), negatives[row].sum(axis=0)) for name, row in rows.items()}
