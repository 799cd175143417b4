"""One small dataset of every format, made by code, with the pixels that a source must give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["SOURCE_CASES", "SourceCase"]


@dataclass(frozen=True)
class SourceCase:
    """A dataset on disk and what it holds.

    Args:
        settings: Keys of dataset.yaml besides name and root.
        images: Pixels ``(c, h, w)`` by sample id.
        masks: Class indices ``(h, w)`` by sample id, 255 where ignored.
        broken: Damages the data of a sample and returns its id; reading it then raises our own error.
    """

    settings: dict[str, Any]
    images: dict[str, NDArray[Any]]
    masks: dict[str, NDArray[np.uint8]]
    broken: Callable[[], str]


def random_mask(generator: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    """A mask with blocks of three classes and an ignored corner."""
    mask = np.zeros((height, width), np.uint8)
    for value in (1, 2):
        row, col = generator.integers(0, height - 3), generator.integers(0, width - 4)
        mask[row : row + 3, col : col + 4] = value
    mask[:2, :3] = 255
    return mask


def folder_case(root: Path) -> SourceCase:
    generator = np.random.default_rng(0)
    images, masks = {}, {}
    for name, (height, width) in {"a": (20, 30), "b/c": (17, 41), "d": (33, 9)}.items():
        images[name] = generator.integers(0, 256, (3, height, width), dtype=np.uint8)
        masks[name] = random_mask(generator, height, width)
        for folder, pixels in (("images", images[name].transpose(1, 2, 0)), ("masks", masks[name])):
            path = root / folder / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)

    def broken() -> str:
        path = root / "images/a.png"
        path.write_bytes(path.read_bytes()[:60])
        return "a"

    classes = [{"name": "background"}, {"name": "one"}, {"name": "two"}]
    return SourceCase({"format": "folder", "classes": classes}, images, masks, broken)


def raster_case(root: Path) -> SourceCase:
    """Tiled GeoTIFFs of five bands with nodata and NaN."""
    import rasterio

    generator = np.random.default_rng(1)
    images, masks = {}, {}
    for name, (height, width) in {"a": (40, 50), "b/c": (17, 41), "d": (33, 9)}.items():
        image = generator.normal(1000, 300, (5, height, width)).astype(np.float32)
        image[2, 4:6, 3:7], image[:, 9, 2] = np.nan, -9999
        mask = random_mask(generator, height, width)
        for path, pixels in ((f"images/{name}.tif", image), (f"masks/{name}.tif", mask[None])):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            place = rasterio.Affine(10, 0, 500_000, 0, -10, 5_600_000)
            profile = {"driver": "GTiff", "height": height, "width": width, "count": len(pixels)}
            profile |= {"crs": "EPSG:32633", "transform": place, "dtype": pixels.dtype, "compress": "lzw"}
            profile |= {"tiled": True, "blockxsize": 16, "blockysize": 16}
            with rasterio.open(root / path, "w", **profile, nodata=-9999 if len(pixels) == 5 else 0) as file:
                file.write(pixels)
        image[:, 9, 2] = np.nan
        mask[4:6, 3:7], mask[9, 2] = 255, 255
        images[name], masks[name] = image, mask

    def broken() -> str:
        path = root / "images/a.tif"
        path.write_bytes(path.read_bytes()[:3000])
        return "a"

    classes = [{"name": "background"}, {"name": "one"}, {"name": "two"}]
    return SourceCase({"format": "raster", "classes": classes}, images, masks, broken)


SOURCE_CASES: dict[str, Callable[[Path], SourceCase]] = {"folder": folder_case, "raster": raster_case}
"""By format; every format of ``rareseg.data.source.SOURCES`` has one, to which a test holds it."""
