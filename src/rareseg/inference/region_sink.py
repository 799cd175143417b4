"""What formats of regions share: a sink that measures them, and their figures in words that tables use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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
        make_entry: From the regions to the entry of a table.
    """

    stream: RegionStream
    make_entry: Callable[[Regions], Any]

    def add(self, strip: LabelStrip) -> None:
        """The next rows."""
        self.stream.add(strip.labels, strip.scores)

    def entry(self) -> Any:
        """What the table says of the image."""
        return self.make_entry(self.stream.close())


def place_of(image: PredictedImage) -> RasterPlace | None:
    """Where the image lies, if it says so and rasterio is there to ask."""
    grid = None if image.file is None else grid_in_the_world(image.file)
    return None if grid is None else RasterPlace(grid)


def region_figures(
    regions: Regions, class_table: ClassTable, place: RasterPlace | None
) -> list[dict[str, Any]]:
    """Of each region what tables say of it, as plain values.

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
    rows, cols = (
        regions.sum_rows / np.maximum(regions.area, 1),
        regions.sum_cols / np.maximum(regions.area, 1),
    )
    x, y = (None, None) if place is None else place.xy(rows + 0.5, cols + 0.5)
    pixel_m2 = None if place is None else place.pixel_m2
    found = []
    for index in range(len(regions)):
        label, area = int(regions.label[index]), int(regions.area[index])
        found.append(
            {
                "class": class_table.names[label],
                "value": class_table.values[label],
                "region": index + 1,
                "area": area,
                "row": round(float(rows[index]), 3),
                "col": round(float(cols[index]), 3),
                "top": int(regions.top[index]),
                "left": int(regions.left[index]),
                "height": int(regions.bottom[index] - regions.top[index]),
                "width": int(regions.right[index] - regions.left[index]),
                "mean_score": round(int(regions.sum_scores[index]) / area / SCORE_SCALE, 6),
                "max_score": round(int(regions.max_score[index]) / SCORE_SCALE, 6),
                "x": None if x is None else float(x[index]),
                "y": None if y is None else float(y[index]),
                "area_m2": None if pixel_m2 is None else area * pixel_m2,
            }
        )
    return found
