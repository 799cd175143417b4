"""Where pixels of a raster lie: in its own coordinates, as longitude and latitude, and how much ground they cover."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rareseg.data.raster_file import RasterGrid, import_rasterio

__all__ = ["RasterPlace"]

Floats = NDArray[np.float64]


class RasterPlace:
    """The place of a georeferenced raster.

    Args:
        grid: With a transform.

    Example:
        >>> place = RasterPlace(RasterGrid(9, 9, (10.0, 0.0, 500000.0, 0.0, -10.0, 5600000.0), None))
        >>> x, y = place.xy(np.array([1.5]), np.array([0.5]))
        >>> x.tolist(), y.tolist(), place.pixel_m2
        ([500005.0], [5599985.0], None)
    """

    def __init__(self, grid: RasterGrid) -> None:
        assert grid.transform is not None, "the raster has a place"
        self._transform = grid.transform
        self.crs = grid.crs
        """Coordinate reference system as WKT; None where the file names none."""
        self.pixel_m2: float | None = None
        """Square metres of a pixel in the plane of a projected system; None in others."""
        if grid.crs is not None:
            system = import_rasterio().crs.CRS.from_wkt(grid.crs)
            if system.is_projected:
                a, b, _, d, e, _ = grid.transform
                self.pixel_m2 = abs(a * e - b * d) * system.linear_units_factor[1] ** 2

    def xy(self, rows: Floats, cols: Floats) -> tuple[Floats, Floats]:
        """Coordinates in the raster's own system.

        Args:
            rows: In pixels from the upper edge of the image; the centre of the first row is 0.5.
            cols: In pixels from its left edge.
        """
        a, b, c, d, e, f = self._transform
        return a * cols + b * rows + c, d * cols + e * rows + f

    def lonlat(self, rows: Floats, cols: Floats) -> tuple[Floats, Floats]:
        """Longitude and latitude in degrees (WGS 84); the raster has a coordinate system.

        Args:
            rows: As in `xy`.
            cols: As in `xy`.
        """
        from rasterio.warp import transform

        assert self.crs is not None, "the raster has a coordinate system"
        x, y = self.xy(rows, cols)
        longitude, latitude = transform(self.crs, "EPSG:4326", x.tolist(), y.tolist())
        return np.array(longitude), np.array(latitude)
