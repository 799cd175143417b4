"""Pictures of the pixels that were judged, so that a report can be made where the data are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rareseg.artefacts import atomic_path
from rareseg.data.indexed_png import write_indexed_png
from rareseg.data.source import Source
from rareseg.data.splits import TestSplit, ValSplit

__all__ = ["preview_pixels", "safe_name", "write_previews"]


def write_previews(
    source: Source,
    split: ValSplit | TestSplit,
    folder: Path,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write ``<image>.png`` (8 bit, grey or RGB) and ``<image>.mask.png`` (indexed) for every judged region.

    Files that exist are kept, so a resumed study does not write them again.
    """
    from PIL import Image

    palette = source.class_table.palette()
    for number, region in enumerate(split.regions):
        name = safe_name(region.sample)
        image_path, mask_path = folder / f"{name}.png", folder / f"{name}.mask.png"
        if not image_path.exists():
            pixels = preview_pixels(source.read_image(region.sample, region.window))
            with atomic_path(image_path) as temporary:
                Image.fromarray(pixels).save(temporary, format="PNG", compress_level=3)
        if not mask_path.exists():
            write_indexed_png(mask_path, source.read_mask(region.sample, region.window), palette)
        if progress:
            progress(number + 1, len(split.regions))


def safe_name(sample: str) -> str:
    """File name of a sample: folders in its id become ``__``."""
    return sample.replace("/", "__").replace("\\", "__")


def preview_pixels(image: NDArray[np.generic]) -> NDArray[np.uint8]:
    """8-bit picture of an image ``(c, h, w)``: its first band, or its first three as red, green, blue.

    8-bit images are shown as they are; others are stretched between their 0.5 and 99.5 percentiles; pixels
    without data are black.
    """
    shown = image[:3] if image.shape[0] >= 3 else image[:1]
    if shown.dtype != np.uint8:
        values = shown.astype(np.float32)
        sample = values[:, :: max(1, values.shape[1] // 256), :: max(1, values.shape[2] // 256)]
        sample = sample[np.isfinite(sample)]
        low, high = np.percentile(sample, [0.5, 99.5]) if len(sample) else (0.0, 1.0)
        stretched = np.clip((values - low) / max(float(high - low), 1e-9) * 255, 0, 255)
        shown = np.nan_to_num(stretched, nan=0.0).astype(np.uint8)
    return np.ascontiguousarray(shown[0] if shown.shape[0] == 1 else shown.transpose(1, 2, 0))
