"""Windows a second from the patch stream, and patches a second from the pixel stores, against the plain ways.

    OMP_NUM_THREADS=1 python benchmarks/stream.py [--images 26] [--size 1600] [--patch 256]

The plain ways are those of a short script: a random crop drawn patch by patch (from one generator, which must
run from the start, or from one for each index, which need not), a class found by searching the mask at each
draw, and a crop of a file decoded anew for each patch.
"""

from __future__ import annotations

import argparse
import functools
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from timing import compare, format_table

from rareseg.config.dataset import DatasetSettings
from rareseg.data.open_dataset import open_dataset
from rareseg.data.source import Source
from rareseg.data.splits import TrainSplit
from rareseg.data.store import PixelStore, open_store
from rareseg.sampling.class_locations import ClassLocations
from rareseg.sampling.exposure import ExposureCounter
from rareseg.sampling.plans import build_plan
from rareseg.sampling.stream import PatchStream
from rareseg.types import Region, Window

NAMES = ("background", "agglomeration", "cavity", "crack", "blade_trail")
RARE = 2
BATCH = 16
REFUSE = {"ignored": 0.1, "dark": {"below": 64, "share": 0.5}}
PLANS: dict[str, dict[str, Any]] = {
    "uniform": {"name": "uniform"},
    "oversample": {"name": "oversample", "shares": {NAMES[RARE]: 1.0}},
    "balanced": {"name": "balanced", "shares": {NAMES[RARE]: 0.5}},
    "batch_balanced": {"name": "batch_balanced"},
    "foreground": {"name": "foreground"},
    "rarity": {"name": "rarity"},
    "equal_samples": {"name": "equal_samples"},
    "proportions": {"name": "proportions", "shares": {NAMES[RARE]: 3, NAMES[3]: 1}},
    "equal_pixels": {"name": "equal_pixels"},
    "uniform, blank annealed": {"name": "uniform", "blank": {"share": 0.5, "to": 0.1}},
    "uniform, refuse": {"name": "uniform", "refuse": REFUSE},
    "oversample, refuse": {"name": "oversample", "shares": {NAMES[RARE]: 1.0}, "refuse": REFUSE},
    "balanced, refuse": {"name": "balanced", "shares": {NAMES[RARE]: 0.5}, "refuse": REFUSE},
}
NUM_UNIFORM, NUM_PLANNED, NUM_RARE, NUM_FETCHED = 4096, 1024, 64, 64


def main() -> None:
    """Make a dataset of noise and blobs in a temporary folder, time it, print tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=26)
    parser.add_argument("--size", type=int, default=1600, help="rows and columns of an image")
    parser.add_argument("--patch", type=int, default=256, help="rows and columns of a patch")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        masks = write_dataset(Path(folder), num_images=options.images, size=options.size)
        source = open_dataset(
            DatasetSettings(name="noise", root=folder, classes=tuple({"name": name} for name in NAMES))
        )
        window = Window(0, 0, options.size, options.size)
        split = TrainSplit(regions=tuple(Region(sample, window) for sample in source.sample_ids))
        start = time.perf_counter()
        locations = ClassLocations.build(source, split)
        seconds = time.perf_counter() - start
        print(f"index of {len(masks)} masks, {options.size} pixels square: {seconds:.2f} s with decoding\n")

        def stream_of(settings: dict[str, Any]) -> PatchStream:
            plan = build_plan(
                settings,
                regions=split.regions,
                locations=locations,
                patch_size=(options.patch, options.patch),
                class_names=NAMES,
                num_patches=160_000,
                batch_size=BATCH,
                read_pixels=lambda number: source.read_image(split.regions[number].sample, window),
            )
            return PatchStream(plan, seed=0, batch_size=BATCH)

        streams = {name: stream_of(PLANS[name]) for name in ("uniform", "oversample")}
        time_windows(streams, masks, options.patch)
        time_plans(stream_of, masks, options.patch)
        time_fetching(streams["oversample"], source, split, Path(folder))
        time_exposure(masks, options.patch)


def write_dataset(folder: Path, *, num_images: int, size: int) -> list[NDArray[np.uint8]]:
    """Smooth noise as images, rectangles of all classes as masks; returns the masks."""
    rng = np.random.default_rng(0)
    masks = []
    for name in ("images", "masks"):
        (folder / name).mkdir()
    for number in range(num_images):
        mask = np.zeros((size, size), np.uint8)
        for _ in range(size * size // 12_800):
            row, col = rng.integers(0, size - 20, 2)
            height, width = rng.integers(2, 20, 2)
            mask[row : row + height, col : col + width] = rng.integers(1, len(NAMES))
        coarse = Image.fromarray(rng.integers(0, 256, (size // 4, size // 4), dtype=np.uint8))
        coarse.resize((size, size), Image.Resampling.BILINEAR).save(folder / "images" / f"{number:04d}.png")
        Image.fromarray(mask).save(folder / "masks" / f"{number:04d}.png")
        masks.append(mask)
    return masks


def time_windows(streams: dict[str, PatchStream], masks: list[NDArray[np.uint8]], patch: int) -> None:
    """Windows alone, no pixels."""
    rng = np.random.default_rng(0)

    def crop(generator: np.random.Generator) -> tuple[int, int, int]:
        number = generator.integers(len(masks))
        rows, cols = masks[number].shape
        return number, generator.integers(rows - patch + 1), generator.integers(cols - patch + 1)

    def crops() -> list[tuple[int, int, int]]:
        return [crop(rng) for _ in range(NUM_UNIFORM)]

    def crops_by_index() -> list[tuple[int, int, int]]:
        return [crop(np.random.default_rng((0, index))) for index in range(NUM_UNIFORM)]

    def searched() -> None:
        for _ in range(NUM_RARE):
            mask = masks[rng.integers(len(masks))]
            pixels = np.argwhere(mask == RARE)
            row, col = pixels[rng.integers(len(pixels))] - rng.integers(patch, size=2)
            np.clip(row, 0, mask.shape[0] - patch), np.clip(col, 0, mask.shape[1] - patch)

    def batches(name: str, num: int) -> None:
        for step in range(num // BATCH):
            streams[name].batch(step)

    print(f"uniform windows, batches of {BATCH}")
    ways = {
        "numpy, one after the other": crops,
        "numpy, a generator for each index": crops_by_index,
        "stream, batch by batch": lambda: batches("uniform", NUM_UNIFORM),
        "stream, all at once": lambda: streams["uniform"].patches(np.arange(NUM_UNIFORM)),
    }
    print(format_table(compare(ways), work=NUM_UNIFORM, unit="windows"), "\n")
    print(f"windows that hold '{NAMES[RARE]}', batches of {BATCH}")
    ways = {
        "argwhere at each draw": searched,
        "stream, batch by batch": lambda: batches("oversample", NUM_RARE),
    }
    print(format_table(compare(ways), work=NUM_RARE, unit="windows"), "\n")


def time_plans(
    stream_of: Callable[[dict[str, Any]], PatchStream], masks: list[NDArray[np.uint8]], patch: int
) -> None:
    """Every plan, batch by batch, and how long it takes to build."""
    rng = np.random.default_rng(0)

    def crops() -> None:
        for _ in range(NUM_PLANNED):
            rows, cols = masks[rng.integers(len(masks))].shape
            rng.integers(rows - patch + 1), rng.integers(cols - patch + 1)

    def batches(stream: PatchStream) -> None:
        for step in range(NUM_PLANNED // BATCH):
            stream.batch(step)

    ways: dict[str, Callable[[], None]] = {"numpy, one after the other": crops}
    for name, settings in PLANS.items():
        start = time.perf_counter()
        stream = stream_of(settings)
        ways[f"{name} (built in {time.perf_counter() - start:.2f} s)"] = functools.partial(batches, stream)
    print(f"windows of every plan, batches of {BATCH}")
    print(format_table(compare(ways, memory=False), work=NUM_PLANNED, unit="windows"), "\n")


def time_fetching(stream: PatchStream, source: Source, split: TrainSplit, folder: Path) -> None:
    """Windows and pixels of image and mask."""
    height, width = stream.plan.patch_size

    def decoded() -> None:
        patches = stream.patches(np.arange(NUM_FETCHED))
        for region_index, row, col in zip(patches.region_index, patches.rows, patches.cols, strict=True):
            for kind in ("images", "masks"):
                array = np.asarray(Image.open(folder / kind / f"{region_index:04d}.png"))
                array[row : row + height, col : col + width].copy()

    def fetched(store: PixelStore) -> None:
        for step in range(NUM_FETCHED // BATCH):
            patches = stream.batch(step)
            store.fetch(patches.region_index, patches.rows, patches.cols, height=height, width=width)

    ways = {"decode and crop": decoded}
    for kind in ("source", "memmap", "memory"):
        store = open_store(source, split.regions, kind=kind, cache=folder / f"cache-{kind}")
        ways[f"store: {kind}"] = lambda store=store: fetched(store)
    print(f"patches of {height} x {width}, image and mask, batches of {BATCH}")
    print(format_table(compare(ways), work=NUM_FETCHED, unit="patches"), "\n")


def time_exposure(masks: list[NDArray[np.uint8]], patch: int) -> None:
    """Counting what a batch holds."""
    batch = np.stack([masks[number % len(masks)][:patch, :patch] for number in range(BATCH)])
    regions = np.zeros(BATCH, np.int64)
    counter = ExposureCounter(class_names=NAMES, samples=["a"])

    def plain() -> None:
        for mask in batch:
            np.bincount(mask.ravel(), minlength=256)

    print(f"exposure of a batch of {BATCH} masks of {patch} x {patch}")
    ways = {"numpy.bincount": plain, "ExposureCounter.add": lambda: counter.add(regions, batch)}
    print(format_table(compare(ways), work=BATCH, unit="patches"))


if __name__ == "__main__":
    main()
