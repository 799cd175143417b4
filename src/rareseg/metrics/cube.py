"""Counts of one evaluation as a dense array over images and classes, with every image's group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import DataError
from rareseg.metrics.keyed_table import KeyedTable

__all__ = ["Cube", "make_cube"]


@dataclass(frozen=True)
class Cube:
    """Dense values of a table that holds a single step and split."""

    values: NDArray[Any]
    """``(images, classes, columns)``; 0 where the table has no row."""
    images: tuple[str, ...]
    class_names: tuple[str, ...]
    groups: tuple[str, ...]
    """Sorted names of the groups, so that the order of rows does not change a bootstrap."""
    group_index: NDArray[np.intp]
    """``(images,)`` position in ``groups``."""

    def by_group(self, values: NDArray[Any]) -> NDArray[Any]:
        """Sum ``(images, ...)`` over the images of each group: ``(groups, ...)``."""
        sums = np.zeros((len(self.groups), *values.shape[1:]), values.dtype)
        np.add.at(sums, self.group_index, values)
        return sums

    def spread(self, values: NDArray[Any], groups: Sequence[str]) -> NDArray[Any]:
        """Sum ``(images, ...)`` over the images of each of ``groups``, sorted; 0 for groups that are not here."""
        spread = np.zeros((len(groups), *values.shape[1:]), values.dtype)
        spread[np.searchsorted(groups, self.groups)] = self.by_group(values)
        return spread


def make_cube(table: KeyedTable) -> Cube:
    """Arrange a table by image and class; rows of the same image and class (its windows) are summed.

    An image without a group is a group of its own.

    Raises:
        DataError: The table is empty, holds several steps or splits, or an image lies in two groups.
    """
    if not len(table):
        raise DataError("The table should hold at least one image, but has no rows; evaluate the run first.")
    if len(table.steps) > 1 or len(table.splits) > 1:
        raise DataError(
            f"One step and one split were expected, but the table holds steps {table.steps} and splits "
            f"{table.splits}; take one with table.select(step=..., split=...)."
        )
    names, group_names = table["image"].tolist(), table["group"].tolist()
    keys: dict[str, str] = {}
    for image, group in zip(names, group_names, strict=True):
        if keys.setdefault(image, group) != group:
            raise DataError(f"Image '{image}' lies in the groups '{keys[image]}' and '{group}'; give it one.")
    images, class_names = tuple(keys), table.class_names
    row = {image: position for position, image in enumerate(images)}
    column = {name: position for position, name in enumerate(class_names)}
    rows = np.array([row[image] for image in names])
    columns = np.array([column[name] for name in table["class"].tolist()])
    stacked = np.stack([table[name] for name in table.columns_of_values], axis=1)
    values = np.zeros((len(images), len(class_names), *stacked.shape[1:]), stacked.dtype)
    np.add.at(values, (rows, columns), stacked)
    # The mark keeps an image without a group apart from a group of the same name.
    owners = [f"group {group}" if group else f"image {image}" for image, group in keys.items()]
    groups = tuple(sorted(set(owners)))
    place = {owner: position for position, owner in enumerate(groups)}
    return Cube(values, images, class_names, groups, np.array([place[owner] for owner in owners]))
