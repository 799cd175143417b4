"""Evaluation of an image from pixels to counts in megapixels a second, and how exact it is.

    OMP_NUM_THREADS=1 python benchmarks/inference.py [--size 2048] [--tile 1024] [--threads 1] [--repeats 3]

The plain ways: the whole image in one eager float32 pass, softmax, and four boolean sums a class; and the same
in tiles that do not see their surroundings. rareseg's way is that of a study: exact tiles with a halo, label map,
counts, score bins and histograms, in float32 and, where the hardware multiplies it, in bfloat16. The first table
tells how far the logits are from those of the whole image, and how many pixels get another label.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from timing import compare, format_table
from torch import Tensor

from rareseg.device import resolve_precision
from rareseg.inference.decision import ArgmaxDecision
from rareseg.inference.predictor import Predictor
from rareseg.inference.torch_engine import TorchEngine
from rareseg.metrics.counts import confusion_counts
from rareseg.metrics.score_bins import score_bins
from rareseg.metrics.scores import ScoreHistogram
from rareseg.models.build import build_model
from rareseg.models.network import Network
from rareseg.strategies.softmax_head import SoftmaxHead
from rareseg.types import Window

BANDS, NUM_CLASSES = 3, 5

Parts = Iterator[tuple[Window, Tensor]]


def main() -> None:
    """Print how exact each way is, then how fast."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=2048, help="rows and columns of the image")
    parser.add_argument("--tile", type=int, default=1024, help="rows and columns of a tile without its halo")
    parser.add_argument("--channels", type=int, default=16, help="first maps of the U-Net")
    parser.add_argument("--threads", type=int, default=1, help="of torch on the CPU; memory is read with one")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    machine = f"{options.threads} threads" if device == "cpu" else torch.cuda.get_device_name()
    print(f"{device} ({machine}), torch {torch.__version__}")
    print(f"U-Net of {options.channels} first maps, {options.size} x {options.size} pixels, {BANDS} bands\n")

    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (BANDS, options.size, options.size), dtype=np.uint8)
    target = rng.integers(0, NUM_CLASSES, (options.size, options.size), dtype=np.uint8)
    parts = parts_of(image, device=device, tile=options.tile, channels=options.channels)
    print_differences(parts, options.size)
    ways = {
        name: functools.partial(judge if name.startswith("rareseg") else judge_plainly, part, target)
        for name, part in parts.items()
    }
    # Neither the threads of OpenMP nor a GPU's context survive the fork in which memory is measured.
    timings = compare(ways, repeats=options.repeats, memory=device == "cpu" and options.threads == 1)
    print(format_table(timings, work=target.size / 1e6, unit="megapixels"))


def parts_of(
    image: NDArray[np.uint8], *, device: str, tile: int, channels: int
) -> dict[str, Callable[[], Parts]]:
    """What each way makes of the image: windows and their logits ``(k, h, w)``."""
    plain = make_network(channels).to(device)
    ways = {
        "whole image, plain": functools.partial(run_plainly, plain, image, max(image.shape)),
        "tiles without halo, plain": functools.partial(run_plainly, plain, image, tile),
    }
    native = resolve_precision("auto", device=device) == "bfloat16"
    for precision in ("float32", "bfloat16") if native else ("float32",):
        predictor = Predictor(
            TorchEngine(make_network(channels), device=device, precision=precision), tile=tile
        )
        ways[f"rareseg, {precision}"] = functools.partial(
            predictor.iterate, lambda window: image[:, *window.slices], *image.shape[1:]
        )
    return ways


def make_network(channels: int) -> Network:
    """A U-Net whose batch norm has seen a few batches; the same weights at every call."""
    torch.manual_seed(0)
    core = build_model(
        {"name": "unet", "base_channels": channels}, in_channels=BANDS, num_classes=NUM_CLASSES
    )
    network = Network(core, mean=[127.5] * BANDS, std=[74.0] * BANDS).train()
    with torch.no_grad():
        for _ in range(20):
            network(torch.randint(0, 256, (2, BANDS, 64, 64), dtype=torch.uint8))
    return network.eval()


def run_plainly(network: Network, image: NDArray[np.uint8], tile: int) -> Parts:
    """Tile after tile on its own; one tile where it is as large as the image."""
    for row in range(0, image.shape[1], tile):
        for col in range(0, image.shape[2], tile):
            crop = image[:, row : row + tile, col : col + tile]
            with torch.no_grad():
                logits = network(torch.from_numpy(crop[None]).to(network.mean.device))[0]
            yield Window(row, col, *crop.shape[1:]), logits


def judge_plainly(parts: Callable[[], Parts], target: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Counts tp, fp, fn, tn of each class."""
    labels = np.empty(target.shape, np.int64)
    for window, logits in parts():
        labels[window.slices] = logits.softmax(dim=0).argmax(dim=0).cpu().numpy()
    counted = target != 255
    rows = []
    for index in range(NUM_CLASSES):
        true, guess = target == index, labels == index
        pairs = (true & guess, ~true & guess, true & ~guess, ~true & ~guess)
        rows.append([int((pair & counted).sum()) for pair in pairs])
    return np.array(rows)


def judge(parts: Callable[[], Parts], target: NDArray[np.uint8]) -> tuple[NDArray[np.int64], ScoreHistogram]:
    """Counts and score histograms, by the steps of an evaluation."""
    labels = np.empty(target.shape, np.uint8)
    bins = np.empty((NUM_CLASSES, *target.shape), np.uint8)
    for window, outputs in parts():
        logits = SoftmaxHead().class_logits(outputs[None])
        labels[window.slices] = ArgmaxDecision().labels(logits)[0].cpu().numpy()
        bins[:, *window.slices] = score_bins(logits)[0].cpu().numpy()
    histogram = ScoreHistogram(NUM_CLASSES)
    histogram.add_bins(target, bins)
    return confusion_counts(target, labels, NUM_CLASSES), histogram


def print_differences(parts: dict[str, Callable[[], Parts]], size: int) -> None:
    """Largest difference of a logit to the first way, and the pixels that get another label."""
    whole = np.empty((NUM_CLASSES, size, size), np.float32)
    print(f"{'way':<25}  {'largest difference':>18}  {'other labels':>12}")
    for number, (name, part) in enumerate(parts.items()):
        largest, other = 0.0, 0
        for window, logits in part():
            found = logits.cpu().numpy()
            if number == 0:
                whole[:, *window.slices] = found
            expected = whole[:, *window.slices]
            largest = max(largest, float(np.abs(found - expected).max()))
            other += int((found.argmax(0) != expected.argmax(0)).sum())
        print(f"{name:<25}  {largest:>18.2e}  {other / size**2:>11.4%}")
    print()


if __name__ == "__main__":
    main()
