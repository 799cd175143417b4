"""A raster of 30 000 x 30 000 pixels, made by code, predicted in bounded memory, with a kill in the middle.

    python benchmarks/huge_raster.py FOLDER [--size 30000] [--tile 1024] [--threads 2] [--limit-gib 4] [--keep]

A U-Net of 16 first maps, trained for a minute to find dark and bright spots, predicts a GeoTIFF of three bands to a
GeoTIFF and a table of regions, in a process that may not hold more than the limit in private memory (RLIMIT_DATA). The
process kills itself (SIGKILL) when half of the rows are done; a second one goes on. Then random windows of the result
are compared with what the network makes of the same window with its surroundings in one piece, and the areas of all
regions with the pixels of their classes.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import rasterio
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from rareseg.data.image_reading import ImageReading
from rareseg.data.labels import ClassTable
from rareseg.device import resolve_precision
from rareseg.inference.decision import ArgmaxDecision
from rareseg.inference.job_state import JobState
from rareseg.inference.judge import Judge
from rareseg.inference.label_writer import WriterOptions
from rareseg.inference.predict_job import JobInput, JobWatcher, job_identity, run_predict_job
from rareseg.inference.predictor import Predictor
from rareseg.inference.segmenter import Segmenter
from rareseg.inference.torch_engine import TorchEngine
from rareseg.inference.writers import open_writers
from rareseg.models.build import build_model
from rareseg.models.network import Network
from rareseg.strategies.softmax_head import SoftmaxHead
from rareseg.types import Window

BANDS = 3
CHANNELS = 16
CLASSES = ("ground", "pit", "scratch")
FORMATS = ("tif", "regions_csv")
ROWS = 512
STEPS = 60
WEIGHTS = "weights.safetensors"


def main() -> None:
    """Make, predict, kill, go on, compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="for the raster and its results")
    parser.add_argument("--size", type=int, default=30_000, help="rows and columns")
    parser.add_argument("--tile", type=int, default=1024)
    parser.add_argument("--threads", type=int, default=2, help="of torch")
    parser.add_argument("--limit-gib", type=float, default=4.0, help="private memory that a process may hold")
    parser.add_argument("--windows", type=int, default=12, help="that are compared")
    parser.add_argument("--keep", action="store_true", help="keep the raster and its results")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    raster = options.folder / "in" / f"{options.size}.tif"
    if options.child is not None:
        predict(raster, options.folder / "out", options)
        return
    if not raster.exists():
        started = time.perf_counter()
        make_raster(raster, options.size)
        print(f"made {raster.stat().st_size / 1e9:.2f} GB in {time.perf_counter() - started:.0f} s")
    if not (options.folder / WEIGHTS).exists():
        train(options.folder / WEIGHTS)
    shutil.rmtree(options.folder / "out", ignore_errors=True)
    rows = options.size // 2
    for kill_at, expected in ((rows, -signal.SIGKILL), (0, 0)):
        command = [sys.executable, __file__, *sys.argv[1:], "--child", str(kill_at)]
        started = time.perf_counter()
        with subprocess.Popen(command) as child:
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - started
        assert child.returncode == expected, f"the process ended with {child.returncode}"
        how = "killed in the middle" if kill_at else "went on to the end"
        print(f"{how}: {seconds:.0f} s, {usage.ru_maxrss / 2**20:.2f} GiB at most", flush=True)
    compare(raster, options.folder / "out", options)
    if not options.keep:
        shutil.rmtree(options.folder)


def bound(options: argparse.Namespace, halo: int) -> float:
    """Bytes over what Python and torch take, by the formula of `StripRun` with scores and GDAL's 512 MB."""
    strip = 12 * options.size * options.tile
    network = 30 * CHANNELS * (options.tile + 2 * halo) ** 2
    return strip + network + 512e6


def make_raster(path: Path, size: int) -> None:
    """Ground of two scales with dark lines and bright spots, written a row of blocks at a time."""
    rng = np.random.default_rng(0)
    grain = rng.normal(0, 8, (BANDS, ROWS, 1024)).astype(np.int16)
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"driver": "GTiff", "dtype": "uint8", "count": BANDS, "height": size, "width": size}
    blocks = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate", "zlevel": 1}
    place = {"crs": "EPSG:32633", "transform": rasterio.Affine(0.5, 0, 500_000, 0, -0.5, 5_600_000)}
    temporary = path.with_suffix(".part")
    with rasterio.open(temporary, "w", **profile, **blocks, **place, BIGTIFF="IF_SAFER") as file:
        for row in range(0, size, ROWS):
            num_rows = min(ROWS, size - row)
            soft = rng.normal(0, 15, (BANDS, 1, -(-size // 64))).repeat(64, axis=2)[:, :, :size]
            tiled = np.tile(np.roll(grain, rng.integers(0, 1024), axis=2), (1, 1, -(-size // 1024)))
            pixels = 120 + tiled[:, :num_rows, :size] + soft.astype(np.int16)
            for _ in range(size // 100):
                top, left = rng.integers(0, num_rows), rng.integers(0, size)
                tall, wide = rng.integers(2, 30, 2)
                pixels[:, top : top + tall, left : left + wide] += rng.choice([-60, 60])
            shown = pixels.clip(0, 255).astype(np.uint8)
            file.write(shown, window=((row, row + num_rows), (0, size)))
    temporary.rename(path)


def make_network() -> Network:
    """With the same first weights at every call."""
    torch.manual_seed(0)
    core = build_model(
        {"name": "unet", "base_channels": CHANNELS}, in_channels=BANDS, num_classes=len(CLASSES)
    )
    return Network(core, mean=[120.0] * BANDS, std=[20.0] * BANDS)


def train(path: Path) -> None:
    """A few steps on patches of their own, whose spots are known."""
    network, rng = make_network().train(), np.random.default_rng(1)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for _ in range(STEPS):
        pixels = 120 + rng.normal(0, 8, (4, BANDS, 128, 128)) + rng.normal(0, 15, (4, BANDS, 1, 1))
        target = np.zeros((4, 128, 128), np.int64)
        for patch, _ in product(range(4), range(6)):
            top, left, tall, wide = rng.integers((0, 0, 2, 2), (126, 126, 30, 30))
            box, label = (slice(top, top + tall), slice(left, left + wide)), rng.integers(1, 3)
            pixels[patch, :, *box] += 60 if label == 1 else -60
            target[patch][box] = label
        logits = network(torch.from_numpy(pixels.clip(0, 255).astype(np.uint8)))
        loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(target))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(network.state_dict(), path)
    print(f"trained for {STEPS} steps to a loss of {loss.item():.3f}", flush=True)


def make_segmenter(options: argparse.Namespace) -> Segmenter:
    """The network with the weights that the first process left."""
    network = make_network()
    network.load_state_dict(load_file(options.folder / WEIGHTS))
    engine = TorchEngine(network, precision=resolve_precision("auto", device="cpu"))
    judge = Judge(Predictor(engine, tile=options.tile), SoftmaxHead(), ArgmaxDecision())
    table = ClassTable.from_names(CLASSES)
    return Segmenter(judge, table, ImageReading(format="raster"), digest="benchmark")


class Killer(JobWatcher):
    """Ends the process without notice when enough pixels are done, and says how fast they were."""

    def __init__(self, pixels: int) -> None:
        self._at, self._pixels, self._now, self._started = pixels, 0, 0, time.perf_counter()

    def moved(self, pixels: int, *, now: bool, images: int = 0) -> None:
        """Count."""
        self._pixels += pixels
        self._now += pixels if now else 0
        if self._at and self._pixels >= self._at:
            speed = self._now / 1e6 / (time.perf_counter() - self._started)
            print(f"{self._now / 1e6:.0f} megapixels at {speed:.2f} a second, then SIGKILL", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)


def predict(raster: Path, out: Path, options: argparse.Namespace) -> None:
    """What ``rareseg predict`` does, under the limit."""
    limit = int(options.limit_gib * 2**30)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    model = make_segmenter(options)
    scratch = JobState.scratch_of(out, is_folder=True)
    writers = open_writers(FORMATS, WriterOptions(out, (raster.name,), model.class_table, scratch=scratch))
    state = JobState(out, is_folder=True, job=job_identity(model, FORMATS, None))
    item = JobInput(
        raster.name,
        partial(model.reading.open, raster),
        options.size**2,
        {"bytes": raster.stat().st_size},
        raster,
    )
    report = run_predict_job(model, [item], writers, state, Killer(options.child * options.size))
    assert not report.failed, report.failed
    speed = report.megapixels / report.seconds
    print(
        f"{report.megapixels:.0f} megapixels at {speed:.2f} a second with the writing of all results",
        flush=True,
    )


def compare(raster: Path, out: Path, options: argparse.Namespace) -> None:
    """Windows against the network in one piece, and regions against pixels."""
    model = make_segmenter(options)
    predictor = model.judge.predictor
    stride, halo, side = predictor.engine.stride, predictor.halo, min(1024, options.size // 2 // 16 * 16)
    most = bound(options, halo) / 2**30
    print(f"by the formula, at most {most:.2f} GiB over what Python and torch take by themselves")
    image = model.reading.open(raster)
    rng = np.random.default_rng(2)
    different = compared = 0
    counts = np.zeros(256, np.int64)
    with rasterio.open(out / "tif" / raster.name) as file, rasterio.open(raster) as given:
        assert (file.crs, file.transform, file.shape) == (given.crs, given.transform, given.shape)
        for _ in range(options.windows):
            row, col = (int(rng.integers(0, (options.size - side) // stride)) * stride for _ in range(2))
            expected = in_one_piece(model, image.read, Window(row, col, side, side), halo, options.size)
            found = file.read(1, window=((row, row + side), (col, col + side)))
            different += int((found != expected).sum())
            compared += found.size
        for row in range(0, options.size, ROWS):
            part = file.read(1, window=((row, min(row + ROWS, options.size)), (0, options.size)))
            counts += np.bincount(part.reshape(-1), minlength=256)
    print(f"{different} of {compared / 1e6:.1f} megapixels in {options.windows} random windows differ")
    areas, number = np.zeros(256, np.int64), 0
    with (out / "regions.csv").open() as table:
        for region in csv.DictReader(table):
            areas[int(region["value"])] += int(region["area"])
            number += 1
    assert (areas[1:] == counts[1:]).all(), (areas[:4], counts[:4])
    share = counts[1:].sum() / counts.sum()
    print(f"{number} regions cover the {share:.2%} of pixels that are not {CLASSES[0]}, class by class")


def in_one_piece(model: Segmenter, read: object, core: Window, halo: int, size: int) -> NDArray[np.uint8]:
    """Labels of a window from one pass over it and its surroundings."""
    assert callable(read)
    top, left = max(0, core.row - halo), max(0, core.col - halo)
    bottom, right = (
        min(size // 16 * 16, end + halo) for end in (core.row + core.height, core.col + core.width)
    )
    pixels = read(Window(top, left, bottom - top, right - left))
    logits = model.judge.predictor.engine.run(torch.from_numpy(np.ascontiguousarray(pixels))[None])
    labels = ArgmaxDecision().labels(logits)[0].numpy()
    return labels[core.row - top :, core.col - left :][: core.height, : core.width]


if __name__ == "__main__":
    main()
