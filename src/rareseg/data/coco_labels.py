"""Masks from the annotations of a COCO file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rareseg.config.coco import CocoSettings
from rareseg.data.coco_file import CocoAnnotation, CocoId
from rareseg.data.coco_polygons import CocoPolygons
from rareseg.data.coco_runs import CocoRuns
from rareseg.errors import DataError, SizeMismatchError
from rareseg.types import IGNORE_INDEX, Window

__all__ = ["CocoLabels"]

_NOTHING = -1


class _Instance(NamedTuple):
    class_index: int
    """Or 255 for ignored pixels."""
    shape: CocoPolygons | CocoRuns


class CocoLabels:
    """A `LabelReader` that draws annotations. A window draws only those that touch it.

    Crowds lie below all other annotations; pixels without any annotation are of the first class.

    Args:
        path: The COCO file.
        annotations: Of each sample, in the file's order.
        sizes: Rows and columns of each sample, where the file says.
        indices: Class index of each category; 255 for ignored ones, absent for those that are background.
        settings: What becomes of crowds and overlaps.
    """

    windowed = True

    def __init__(
        self,
        path: Path,
        annotations: Mapping[str, Sequence[CocoAnnotation]],
        sizes: Mapping[str, tuple[int, int] | None],
        indices: Mapping[CocoId, int],
        settings: CocoSettings,
    ) -> None:
        self._path, self._annotations, self._sizes = path, annotations, sizes
        self._indices, self._settings = indices, settings
        self._kept: tuple[str, tuple[int, int], list[_Instance], list[_Instance]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_kept": None}

    def paths(self, sample: str) -> tuple[Path, ...]:
        """The COCO file, also for images without annotations: they are background."""
        return (self._path,)

    def first_path(self, sample: str) -> Path:
        """The COCO file."""
        return self._path

    def read(self, sample: str, shape: tuple[int, int], window: Window | None = None) -> NDArray[np.uint8]:
        """Class indices ``(h, w)`` of a window, or of the whole image; 255 where ignored.

        Raises:
            SizeMismatchError: The file gives the image another size.
            DataError: A segmentation is wrong; the message names the annotation.
        """
        size = self._sizes[sample]
        if size is not None and size != shape:
            raise SizeMismatchError(
                f"'{self._path}' says that the image of '{sample}' is {size[0]} x {size[1]} pixels (rows x "
                f"columns), but it is {shape[0]} x {shape[1]}; use the image that was annotated, or list "
                f"'{sample}' under `exclude`."
            )
        window = Window(0, 0, *shape) if window is None else window
        instances, crowds = self._instances(sample, shape)
        mask = self._paint(instances, window)
        if crowds:
            below = self._paint(crowds, window)
            mask = np.where(mask == _NOTHING, below, mask)
        mask[mask == _NOTHING] = 0
        return mask.astype(np.uint8)

    def _instances(self, sample: str, shape: tuple[int, int]) -> tuple[list[_Instance], list[_Instance]]:
        """Instances and crowds in the order in which they are drawn; those of the last sample are kept."""
        kept = self._kept
        if kept is not None and kept[:2] == (sample, shape):
            return kept[2], kept[3]
        instances, crowds = [], []
        for annotation in self._annotations[sample]:
            drawn = self._parse(annotation, shape)
            index = self._indices.get(annotation.category)
            if index is None or (annotation.crowd and self._settings.crowd == "drop"):
                continue
            if annotation.crowd:
                crowds.append(_Instance(IGNORE_INDEX if self._settings.crowd == "ignore" else index, drawn))
            else:
                instances.append(_Instance(index, drawn))
        for listed in (instances, crowds):
            if self._settings.overlap == "earlier":
                listed.reverse()
            elif self._settings.overlap == "smaller":
                listed.sort(key=lambda instance: -instance.shape.area)
        self._kept = (sample, shape, instances, crowds)
        return instances, crowds

    def _parse(self, annotation: CocoAnnotation, shape: tuple[int, int]) -> CocoPolygons | CocoRuns:
        value = annotation.segmentation
        try:
            if isinstance(value, dict):
                return CocoRuns(value.get("counts"), value.get("size"), shape)
            if isinstance(value, list):
                return CocoPolygons(value, shape)
            raise ValueError("has no segmentation, at most a box; draw it or remove the annotation")
        except ValueError as error:
            raise DataError(f"'{self._path}': annotation {annotation.id} {error}.") from None

    def _paint(self, instances: Iterable[_Instance], window: Window) -> NDArray[np.int16]:
        """Class indices, -1 where there is nothing; later ones lie on top."""
        canvas = np.full((window.height, window.width), _NOTHING, np.int16)
        for index, shape in instances:
            part = _intersection(shape.box, window)
            if part.area == 0:
                continue
            drawn = shape.paint(part)
            target = canvas[part.shifted(-window.row, -window.col).slices]
            if self._settings.overlap == "ignore":
                clash = drawn & (target != _NOTHING) & (target != index)
                target[drawn] = index
                target[clash] = IGNORE_INDEX
            else:
                target[drawn] = index
        return canvas


def _intersection(first: Window, second: Window) -> Window:
    row, col = max(first.row, second.row), max(first.col, second.col)
    height = min(first.row + first.height, second.row + second.height) - row
    width = min(first.col + first.width, second.col + second.width) - col
    return Window(row, col, max(height, 0), max(width, 0))
