"""Masks counted per second, and the time that comparing images takes.

    python benchmarks/inspection.py [--masks 1000] [--images 5000]

The plain ways: read each mask with Pillow, `numpy.unique` with counts, and label the pixels of every class
with scipy; and the same in threads. "decoding alone" is the bound: nothing but reading the files.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, label
from timing import compare, format_table

from rareseg.config.dataset import ClassSettings, DatasetSettings, MaskSettings
from rareseg.data.open_dataset import open_dataset
from rareseg.data.source import Source
from rareseg.inspection.band_sums import BandSums
from rareseg.inspection.class_statistics import class_statistics
from rareseg.inspection.duplicates import find_duplicates
from rareseg.inspection.image_scan import THUMBNAIL_EDGE, ImageScan
from rareseg.inspection.thread_map import thread_map

HEIGHT, WIDTH = 300, 400
NAMES = ("background", "uneven", "crack", "cavity")


def write_masks(folder: Path, number: int) -> Source:
    """Masks with a few blobs of each class, as a dataset."""
    for name in ("images", "masks"):
        (folder / name).mkdir()
    for index in range(number):
        rng = np.random.default_rng(index)
        field = (
            gaussian_filter(rng.normal(size=(HEIGHT // 4, WIDTH // 4)), 3).repeat(4, axis=0).repeat(4, axis=1)
        )
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        for value, share in ((1, 0.97), (2, 0.99), (3, 0.998)):
            mask[field > np.quantile(field, share)] = value
        Image.fromarray(mask).save(folder / "masks" / f"{index:05}.png")
        Image.new("L", (WIDTH, HEIGHT)).save(folder / "images" / f"{index:05}.png")
    classes = tuple(ClassSettings(name=name) for name in NAMES)
    return open_dataset(
        DatasetSettings(name="blobs", root=str(folder), classes=classes, masks=MaskSettings())
    )


def count_plainly(path: Path) -> list[tuple[int, int]]:
    mask = np.asarray(Image.open(path))
    values, pixels = np.unique(mask, return_counts=True)
    eight = np.ones((3, 3))
    return [(int(n), label(mask == value, eight)[1]) for value, n in zip(values, pixels, strict=True)]


def decode(path: Path) -> None:
    np.asarray(Image.open(path))


def make_scans(number: int) -> list[ImageScan]:
    """Images of random grain, every second one a turned copy of the one before."""
    scans: list[ImageScan] = []
    for index in range(number):
        rng = np.random.default_rng(index // 2)
        grain = gaussian_filter(rng.normal(size=(THUMBNAIL_EDGE, THUMBNAIL_EDGE)), 1.5).astype(np.float32)
        thumbnail = np.rot90(grain) if index % 2 else grain
        scans.append(
            ImageScan(
                sample=f"{index:05}",
                size=(500, 500),
                num_bands=1,
                thumbnail=thumbnail,
                digest=str(index),
                minimum=float(grain.min()),
                maximum=float(grain.max()),
                mean=0.0,
                num_missing=0,
                saturated=0.0,
                equal_bands=False,
                sums=BandSums.empty(1),
            )
        )
    return scans


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--masks", type=int, default=1000)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        source = write_masks(Path(name), arguments.masks)
        paths = [source.mask_path(sample) for sample in source.sample_ids]
        timings = compare(
            {
                "numpy.unique and scipy.label": lambda: [count_plainly(path) for path in paths],
                "the same in threads": lambda: thread_map(count_plainly, paths),
                "class_statistics": lambda: class_statistics(source, source.sample_ids),
                "decoding alone, in threads": lambda: thread_map(decode, paths),
            },
            repeats=arguments.repeats,
        )
    print(f"{arguments.masks} masks of {HEIGHT} x {WIDTH} with {len(NAMES)} classes")
    print(format_table(timings, work=arguments.masks, unit="masks"))
    scans = make_scans(arguments.images)
    start = time.perf_counter()
    pairs = find_duplicates(scans)
    seconds = time.perf_counter() - start
    print(
        f"\n{arguments.images} images compared in all positions in {seconds:.1f} s, {len(pairs)} pairs found"
    )


if __name__ == "__main__":
    main()
