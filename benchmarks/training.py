"""Training patches a second: rareseg's own training path against a loop written by hand.

    OMP_NUM_THREADS=1 python benchmarks/training.py [--threads 1] [--repeats 3] [--case 128 ...]

The plain way: eager float32 in contiguous layout, random crops cut with numpy and stacked, the same network, the
same AdamW, cross-entropy of torch. rareseg's way is `train` as a study calls it: patch stream, exposure counts,
log and closing checkpoint included, in float32 and, where the hardware multiplies it, in bfloat16. Set-up counts
in every call, so that a longer run is a little faster than the figures. On a CPU `train` sets the allocator of
the process, which the plain way profits from too: alone it is slower than here. Where there is a GPU, a second
table follows.
"""

from __future__ import annotations

import argparse
import functools
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from timing import compare, format_table

from rareseg.config.recipe import RecipeSettings
from rareseg.config.study import BudgetSettings, RecordSettings
from rareseg.data.region_pixels import FlatPixels
from rareseg.data.store import PixelStore
from rareseg.device import Precision, resolve_precision
from rareseg.models.build import build_model
from rareseg.models.network import Network
from rareseg.sampling.class_locations import ClassLocations
from rareseg.strategies.strategy import Strategy
from rareseg.training.lay_out import TrainingData
from rareseg.training.train import train
from rareseg.types import Region, Window

NAMES = ("background", "agglomeration", "cavity", "crack", "blade_trail")
BANDS, NUM_IMAGES, SIZE = 3, 8, 512
MEAN, STD = [120.0] * BANDS, [30.0] * BANDS


@dataclass(frozen=True)
class Case:
    """How much one call trains."""

    model: Mapping[str, Any]
    patch: int
    batch: int
    steps: int
    steps_on_gpu: int


CASES = {
    "128": Case({"name": "unet", "base_channels": 16}, patch=128, batch=8, steps=8, steps_on_gpu=200),
    "256": Case({"name": "unet", "base_channels": 16}, patch=256, batch=8, steps=3, steps_on_gpu=100),
    "256-wide": Case({"name": "unet", "base_channels": 32}, patch=256, batch=8, steps=2, steps_on_gpu=100),
    "256-lite": Case({"name": "efficientnet_lite_unet"}, patch=256, batch=8, steps=3, steps_on_gpu=100),
}


def main() -> None:
    """Print one table for each case and device."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--case", choices=CASES, nargs="+", default=list(CASES))
    parser.add_argument("--threads", type=int, default=1, help="of torch on the CPU; memory is read with one")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    images, masks = make_images()
    for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
        machine = f"{options.threads} threads" if device == "cpu" else torch.cuda.get_device_name()
        print(f"{device} ({machine}), torch {torch.__version__}")
        for name in options.case:
            case = CASES[name]
            steps = case.steps if device == "cpu" else case.steps_on_gpu
            ways = ways_of(case, images, masks, steps=steps, device=device)
            # Neither the threads of OpenMP nor a GPU's context survive the fork in which memory is measured.
            memory = device == "cpu" and options.threads == 1
            timings = compare(ways, repeats=options.repeats, memory=memory)
            shown = ", ".join(f"{key} {value}" for key, value in case.model.items())
            print(f"\n{shown}; {case.batch} patches of {case.patch} x {case.patch}")
            print(format_table(timings, work=steps * case.batch, unit="patches"), flush=True)
        print()


def make_images() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images ``(n, c, h, w)`` of noise and masks ``(n, h, w)`` with squares of the rare classes."""
    rng = np.random.default_rng(0)
    images = rng.normal(120, 30, (NUM_IMAGES, BANDS, SIZE, SIZE)).clip(0, 255).astype(np.uint8)
    masks = np.zeros((NUM_IMAGES, SIZE, SIZE), np.uint8)
    for mask in masks:
        for row, col in rng.integers(0, SIZE - 16, (12, 2)):
            mask[row : row + 16, col : col + 16] = rng.integers(1, len(NAMES))
    return images, masks


def ways_of(
    case: Case, images: NDArray[np.uint8], masks: NDArray[np.uint8], *, steps: int, device: str
) -> dict[str, Callable[[], None]]:
    regions = tuple(Region(f"noise_{index}", Window(0, 0, SIZE, SIZE)) for index in range(NUM_IMAGES))
    pixels = FlatPixels(images.reshape(-1), masks.reshape(-1), regions, BANDS)
    data = TrainingData(
        PixelStore(pixels, regions, num_bands=BANDS, dtype=images.dtype),
        ClassLocations.from_masks(list(masks), NAMES),
        NAMES,
    )
    ours = functools.partial(train_with_rareseg, case, data, steps=steps, device=device)
    ways: dict[str, Callable[[], None]] = {
        "plain loop, float32": functools.partial(
            train_plainly, case, images, masks, steps=steps, device=device
        ),
        "rareseg, float32": functools.partial(ours, precision="float32"),
    }
    if resolve_precision("auto", device=device) == "bfloat16":
        ways["rareseg, bfloat16"] = functools.partial(ours, precision="bfloat16")
    return ways


def train_plainly(
    case: Case, images: NDArray[np.uint8], masks: NDArray[np.uint8], *, steps: int, device: str
) -> None:
    """What a short script does."""
    rng = np.random.default_rng(0)
    model = build(case).to(device).train()
    mean, std = (torch.tensor(values, device=device)[:, None, None] for values in (MEAN, STD))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-5)
    for _ in range(steps):
        crops, labels = [], []
        for _ in range(case.batch):
            index = rng.integers(NUM_IMAGES)
            row, col = rng.integers(0, SIZE - case.patch + 1, 2)
            crops.append(images[index, :, row : row + case.patch, col : col + case.patch])
            labels.append(masks[index, row : row + case.patch, col : col + case.patch])
        batch = torch.from_numpy(np.stack(crops)).to(device).float()
        target = torch.from_numpy(np.stack(labels)).to(device).long()
        loss = F.cross_entropy(model((batch - mean) / std), target, ignore_index=255)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    loss.item()


def train_with_rareseg(
    case: Case, data: TrainingData, *, steps: int, device: str, precision: Precision
) -> None:
    """What `rareseg run` does, without validation."""
    network = Network(build(case), mean=MEAN, std=STD)
    with tempfile.TemporaryDirectory() as folder:
        train(
            Strategy.from_recipe("baseline", RecipeSettings()),
            network,
            data,
            Path(folder),
            seed=0,
            budget=BudgetSettings(steps=steps, batch_size=case.batch, patch_size=(case.patch, case.patch)),
            record=RecordSettings(validate_every=steps),
            device=device,
            precision=precision,
            validate=lambda _: float("nan"),
            on_step=lambda _: None,
            stop_requested=lambda: False,
        )


def build(case: Case) -> torch.nn.Module:
    return build_model(case.model, in_channels=BANDS, num_classes=len(NAMES))


if __name__ == "__main__":
    main()
