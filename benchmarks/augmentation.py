"""What each change of augmentation costs, beside the training step that it belongs to.

    OMP_NUM_THREADS=1 python benchmarks/augmentation.py [--patch 128] [--batch 8] [--channels 16]

The first line is one training step (forward, loss, backward, AdamW in float32) of a U-Net; the ratio of the others
is how many times the change fits into that time. Copy-paste sets a defect into every patch, on the host, as the
loader does. Where there is a GPU, a second table follows.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import torch
import torch.nn.functional as F
from timing import compare, format_table

from rareseg.models.build import build_model
from rareseg.training.augmentation import AugmentationSettings, augment
from rareseg.training.copy_paste import copy_paste
from rareseg.training.copy_paste_settings import CopyPasteSettings

NAMES = ("background", "cavity")
BANDS = 3
CHANGES = {
    "flips": {"flips": True},
    "flips and quarter turns": {"flips": True, "quarter_turns": True},
    "rotation": {"rotation": 10},
    "zoom, translation, rotation": {"zoom": 0.1, "translation": 0.1, "rotation": 10},
    "elastic": {"elastic": 4},
    "brightness and contrast": {"brightness": 0.2, "contrast": 0.2},
    "noise": {"noise": 0.05},
    "everything": {
        "flips": True,
        "quarter_turns": True,
        "zoom": 0.1,
        "translation": 0.1,
        "rotation": 10,
        "elastic": 4,
        "brightness": 0.2,
        "contrast": 0.2,
        "noise": 0.05,
    },
    "light, a quarter of the patches": {"zoom": 0.1, "translation": 0.1, "rotation": 10, "only_for": "rare"},
}


def main() -> None:
    """Print one table for each device."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patch", type=int, default=128, help="rows and columns of a patch")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--channels", type=int, default=16, help="maps of the U-Net's first level")
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
        machine = "one thread" if device == "cpu" else torch.cuda.get_device_name()
        print(f"{device} ({machine}), torch {torch.__version__}")
        ways = ways_of(device, patch=options.patch, batch=options.batch, channels=options.channels)
        timings = compare(ways, repeats=options.repeats, memory=device == "cpu")
        print(format_table(timings, work=options.batch, unit="patches"), flush=True)


def ways_of(device: str, *, patch: int, batch: int, channels: int) -> dict[str, Callable[[], object]]:
    """The training step and every change, each on the same batch."""
    generator = torch.Generator().manual_seed(0)
    host_images = torch.rand(batch, BANDS, patch, patch, generator=generator) * 255
    host_masks = torch.zeros(batch, patch, patch, dtype=torch.uint8)
    donor_masks = host_masks.clone()
    donor_masks[:, 40:52, 40:60] = 1
    host_masks[: batch // 4, 10:20, 10:20] = 1
    images, masks = host_images.to(device), host_masks.to(device)
    model = build_model(
        {"name": "unet", "base_channels": channels}, in_channels=BANDS, num_classes=len(NAMES)
    ).to(device)
    optimizer = torch.optim.AdamW(model.parameters())

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(images / 255), masks.long()).backward()
        optimizer.step()

    def change(settings: AugmentationSettings) -> Callable[[], object]:
        return lambda: augment(images, masks, settings, seed=1)

    def timed(way: Callable[[], object]) -> Callable[[], None]:
        def synchronised() -> None:
            way()
            if device == "cuda":
                torch.cuda.synchronize()

        return synchronised

    paste = CopyPasteSettings(probability=1).resolved(NAMES)
    ways = {"training step": step}
    for name, options in CHANGES.items():
        ways[name] = change(AugmentationSettings.parse(options, patch_size=(patch, patch), class_names=NAMES))
    ways["copy-paste into every patch"] = lambda: copy_paste(
        host_images, host_masks, host_images, donor_masks, paste, seed=1
    )
    return {name: timed(way) for name, way in ways.items()}


if __name__ == "__main__":
    main()
