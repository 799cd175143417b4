"""Labels from a table of run lengths: one class a pixel by a rule, or all of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rareseg.config.rle_csv import RleCsvSettings
from rareseg.data.rle_table import RleTable
from rareseg.errors import DataError
from rareseg.types import Window

__all__ = ["RleLabels"]


class RleLabels:
    """A `LayeredLabels` reader of a table of run lengths. Images without rows hold background alone.

    Args:
        table: The rows.
        settings: Which class a pixel gets where several lie.
        class_names: Names in the order of class indices.

    Raises:
        DataError: Classes overlap, and the settings call that an error.
    """

    windowed = False

    def __init__(self, table: RleTable, settings: RleCsvSettings, class_names: tuple[str, ...]) -> None:
        self._table, self._class_names = table, class_names
        self.overlaps: Mapping[str, int] = table.overlaps()
        if settings.overlap == "error" and self.overlaps:
            raise _overlap_error(table, self.overlaps, class_names)
        pixels = table.class_pixels(len(class_names))
        indices = range(1, len(class_names))
        # Painted in this order, so that what counts comes last; of classes as rare the later one counts.
        painted = (
            sorted(indices, key=lambda index: -pixels[index]) if settings.overlap == "rarest" else indices
        )
        self._order = tuple(painted)

    def paths(self, sample: str) -> tuple[Path, ...]:
        """The table, which speaks of all images: one without rows has no defects."""
        return (self._table.path,)

    def first_path(self, sample: str) -> Path:
        """The table."""
        return self._table.path

    def read(self, sample: str, shape: tuple[int, int], window: Window | None = None) -> NDArray[np.uint8]:
        """Class indices ``(h, w)``.

        Args:
            sample: Its id.
            shape: Rows and columns of its image.
            window: The part to give; by default all.

        Raises:
            DataError: A run ends outside the image.
        """
        mask = np.zeros(shape, np.uint8, order="F")
        rows = self._table.rows.get(sample, {})
        for index in self._order:
            if index in rows:
                self._paint(mask, sample, index, value=index)
        return mask if window is None else mask[window.slices]

    def layers(self, sample: str, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Which pixels belong to each class but the background, ``(k - 1, h, w)``; they may overlap.

        Raises:
            DataError: A run ends outside the image.
        """
        layers = np.zeros((len(self._class_names) - 1, shape[1], shape[0]), np.bool_).transpose(0, 2, 1)
        for index in self._table.rows.get(sample, {}):
            self._paint(layers[index - 1], sample, index, value=1)
        return layers

    def _paint(self, mask: NDArray[np.generic], sample: str, index: int, *, value: int) -> None:
        row = self._table.rows[sample][index]
        name = f"{self._table.name(row)} (image '{sample}', class '{self._class_names[index]}')"
        self._table.runs.paint(row, mask, value, name=name)


def _overlap_error(table: RleTable, overlaps: Mapping[str, int], class_names: tuple[str, ...]) -> DataError:
    sample, pixels = next(iter(overlaps.items()))
    rows = table.rows[sample]
    names = ", ".join(f"'{class_names[index]}'" for index in sorted(rows))
    lines = ", ".join(str(table.lines[row]) for row in sorted(rows.values()))
    return DataError(
        f"'{table.path}' gives {pixels} pixels of '{sample}' several of the classes {names} (lines {lines}), and so "
        f"in {len(overlaps)} images; mend the rows, or set rle_csv.overlap: rarest or last."
    )
