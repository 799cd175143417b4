"""Write a GeoTIFF in one line."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray

__all__ = ["PLACE", "write_raster"]

PLACE = rasterio.Affine(10, 0, 500_000, 0, -10, 5_600_000)


def write_raster(path: Path, pixels: NDArray[Any], **profile: Any) -> Path:
    """Bands ``(c, h, w)`` or one ``(h, w)``, in UTM zone 33 north unless the profile says otherwise."""
    pixels = np.atleast_3d(pixels.T).T
    path.parent.mkdir(parents=True, exist_ok=True)
    # rasterio opens what is there before it writes over it, which fails for a broken file.
    path.unlink(missing_ok=True)
    given = {"crs": "EPSG:32633", "transform": PLACE, "driver": "GTiff", "dtype": pixels.dtype, **profile}
    given |= {"count": pixels.shape[0], "height": pixels.shape[1], "width": pixels.shape[2]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(path, "w", **given) as file:
            file.write(pixels)
    return path
