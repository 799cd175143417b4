"""One small dataset of every format, made by code, with the pixels that a source must give."""

from __future__ import annotations

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


SOURCE_CASES: dict[str, Callable[[Path], SourceCase]] = {
    "folder": folder_case,
    "rle_csv": rle_csv_case,
}
"""By format; every format of ``rareseg.data.source.SOURCES`` has one, to which a test holds it."""
