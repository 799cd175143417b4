"""One small dataset of every format, made by code, with the pixels that a source must give."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rareseg.data.run_lengths import encode_run_lengths

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


def npz_case(root: Path) -> SourceCase:
    """Joined: channels last, of which the last is the mask."""
    generator = np.random.default_rng(1)
    images = {f"tiles/{n:04d}": generator.integers(0, 4000, (2, 21, 34)).astype(np.uint16) for n in range(3)}
    masks = {name: random_mask(generator, 21, 34) for name in images}
    joined = [np.concatenate([images[name], masks[name][None]]).transpose(1, 2, 0) for name in images]
    np.savez(root / "stack.npz", tiles=np.stack(joined))

    def broken() -> str:
        path = root / "stack.npz"
        path.write_bytes(path.read_bytes()[:200])
        return "tiles/0001"

    classes = [{"name": "background"}, {"name": "one"}, {"name": "two"}]
    npz = {"file": "stack.npz", "images": "tiles", "axes": "nhwc", "mask_channel": "last"}
    return SourceCase({"format": "npz", "npz": npz, "classes": classes}, images, masks, broken)


def coco_case(root: Path) -> SourceCase:
    """Rectangles as polygons; the ignored corner is a crowd of run lengths, which lies below them."""
    generator = np.random.default_rng(2)
    images, masks = {}, {}
    entries: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (name, (height, width)) in enumerate({"a": (20, 30), "b/c": (17, 41), "d": (33, 9)}.items()):
        images[name] = generator.integers(0, 256, (3, height, width), dtype=np.uint8)
        path = root / "images" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images[name].transpose(1, 2, 0)).save(path)
        masks[name] = np.zeros((height, width), np.uint8)
        masks[name][:2, :3] = 255
        entries.append({"id": number, "file_name": f"{name}.png", "height": height, "width": width})
        runs = [0, 2, height - 2, 2, height - 2, 2, height * (width - 2) - 2]
        crowd = {"size": [height, width], "counts": runs}
        for category, crowded, segmentation in [(1, 1, crowd)] + [
            (value, 0, None) for value in (1, 2) if number < 2
        ]:
            if segmentation is None:
                row, col = int(generator.integers(0, height - 3)), int(generator.integers(0, width - 4))
                masks[name][row : row + 3, col : col + 4] = category
                right, bottom = col + 4, row + 3
                segmentation = [[col, row, right, row, right, bottom, col, bottom]]
            annotations.append(
                {
                    "id": len(annotations),
                    "image_id": number,
                    "category_id": category,
                    "iscrowd": crowded,
                    "segmentation": segmentation,
                }
            )
    categories = [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}]
    value = {"images": entries, "annotations": annotations, "categories": categories}
    (root / "instances.json").write_text(json.dumps(value))

    def broken() -> str:
        path = root / "images/a.png"
        path.write_bytes(path.read_bytes()[:60])
        return "a"

    classes = [{"name": "background"}, {"name": "one"}, {"name": "two"}]
    return SourceCase(
        {"format": "coco", "coco": {"file": "instances.json"}, "classes": classes}, images, masks, broken
    )


def rle_csv_case(root: Path) -> SourceCase:
    generator = np.random.default_rng(0)
    images, masks, lines = {}, {}, ["ImageId,ClassId,EncodedPixels"]
    for name, (height, width) in {"a": (20, 30), "b/c": (17, 41), "d": (33, 9), "e": (12, 11)}.items():
        images[name] = generator.integers(0, 256, (3, height, width), dtype=np.uint8)
        mask = random_mask(generator, height, width)
        masks[name] = np.where(mask == 255, 0, mask).astype(np.uint8) if name != "e" else np.zeros_like(mask)
        path = root / "images" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images[name].transpose(1, 2, 0)).save(path)
        for index, value in ((1, 4), (2, 2)):
            runs = encode_run_lengths(masks[name] == index)
            lines += [f"{name}.png,{value},{runs}"] if runs else []
    (root / "train.csv").write_text("\n".join(lines) + "\n")

    def broken() -> str:
        path = root / "train.csv"
        path.write_text(path.read_text() + "a.png,2,1 1\n")
        return "a"

    classes = [{"name": "background"}, {"name": "one", "value": 4}, {"name": "two"}]
    settings = {"format": "rle_csv", "rle_csv": {"file": "train.csv"}, "classes": classes}
    return SourceCase(settings, images, masks, broken)


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


SOURCE_CASES: dict[str, Callable[[Path], SourceCase]] = {
    "coco": coco_case,
    "folder": folder_case,
    "npz": npz_case,
    "raster": raster_case,
    "rle_csv": rle_csv_case,
}
"""By format; every format of ``rareseg.data.source.SOURCES`` has one, to which a test holds it."""
