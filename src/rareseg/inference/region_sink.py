"""What formats of regions share: a sink that measures them, and their figures in words that tables use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from rareseg.data.labels import ClassTable
from rareseg.data.raster_place import RasterPlace
from rareseg.data.raster_writer import grid_in_the_world
from rareseg.inference.label_strip import SCORE_SCALE, LabelStrip
from rareseg.inference.label_writer import PredictedImage
from rareseg.metrics.region_stream import Regions, RegionStream

__all__ = ["RegionSink", "place_of", "region_figures"]


@dataclass
class RegionSink:
    """Measures the regions of one image.

    Args:
        stream: Of the image.
        make_entry: From the regions to the lines of a table.
    """

    stream: RegionStream
    make_entry: Callable[[Regions], Iterable[str]]

    def add(self, strip: LabelStrip) -> None:
        """The next rows."""
        self.stream.add(strip.labels, strip.scores)

    def entry(self) -> Iterable[str]:
        """What the table says of the image."""
        return self.make_entry(self.stream.close())


def place_of(image: PredictedImage) -> RasterPlace | None:
    """Where the image lies, if it says so and rasterio is there to ask."""
    grid = None if image.file is None else grid_in_the_world(image.file)
    return None if grid is None else RasterPlace(grid)


def region_figures(
    regions: Regions, class_table: ClassTable, place: RasterPlace | None
) -> Sequence[dict[str, Any]]:
    """Of each region what tables say of it, as plain values, made when they are asked for.

    ``row`` and ``col`` are the centroid in pixels, the centre of the first pixel being 0; ``top``, ``left``, ``height``
    and ``width`` its box; scores are probabilities. ``x``, ``y`` (the centroid in the coordinates of the raster) and
    ``area_m2`` are None where they are unknown.

    Example:
        >>> stream = RegionStream((2, 2))
        >>> stream.add(np.array([[0, 1], [0, 1]], np.uint8), np.full((2, 2), 32768, np.uint16))
        >>> (row,) = region_figures(stream.close(), ClassTable.from_names(["ground", "pit"]), None)
        >>> row["class"], row["area"], row["row"], row["mean_score"]
        ('pit', 2, 0.5, 0.500008)
    """
    return _Figures(regions, class_table, place)


class _Figures(Sequence[dict[str, Any]]):
    """A million regions take half a gigabyte as dictionaries, so that only one of these is there at a time."""

    def __init__(self, regions: Regions, class_table: ClassTable, place: RasterPlace | None) -> None:
        self._regions, self._class_table, self._place = regions, class_table, place

    def __len__(self) -> int:
        return len(self._regions)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(index, slice):
            return [self[place] for place in range(len(self))[index]]
        place = range(len(self))[index]
        regions, class_table = self._regions, self._class_table
        label, area = int(regions.label[place]), int(regions.area[place])
        row, col = int(regions.sum_rows[place]) / area, int(regions.sum_cols[place]) / area
        found = {
            "class": class_table.names[label],
            "value": class_table.values[label],
            "region": place + 1,
            "area": area,
            "row": round(row, 3),
            "col": round(col, 3),
            "top": int(regions.top[place]),
            "left": int(regions.left[place]),
            "height": int(regions.bottom[place] - regions.top[place]),
            "width": int(regions.right[place] - regions.left[place]),
            "mean_score": round(int(regions.sum_scores[place]) / area / SCORE_SCALE, 6),
            "max_score": round(int(regions.max_score[place]) / SCORE_SCALE, 6),
            "x": None,
            "y": None,
            "area_m2": None,
        }
        if self._place is not None:
            x, y = self._place.xy(np.array([row + 0.5]), np.array([col + 0.5]))
            pixel_m2 = self._place.pixel_m2
            found |= {
                "x": float(x[0]),
                "y": float(y[0]),
                "area_m2": None if pixel_m2 is None else area * pixel_m2,
            }
        return found
