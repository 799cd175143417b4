"""What augmentation makes of patches: a picture of originals and changed ones, with outlines of their masks.

python examples/augmentation.py                           # on synthetic battery foils
python examples/augmentation.py my_data --changes "{rotation: 15, elastic: 4, copy_paste: {probability: 1}}"
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from PIL import Image

import rareseg
from rareseg.data.store import open_store
from rareseg.sampling.class_locations import ClassLocations
from rareseg.sampling.plans import build_plan
from rareseg.sampling.stream import PatchStream
from rareseg.training.augmentation import AugmentationSettings, augment
from rareseg.training.copy_paste import copy_paste
from rareseg.training.copy_paste_settings import CopyPasteSettings, donor_sampling

CHANGES = """{flips: true, zoom: 0.2, translation: 0.1, rotation: 15, elastic: 4, brightness: 0.3, contrast: 0.3,
copy_paste: {probability: 1}}"""
OUTLINE = (255, 60, 60)


def picture(dataset: Path, changes: str, *, patches: int, size: int, seed: int) -> Image.Image:
    """Originals above, what training may see of them below; half of the patches hold a rare class."""
    settings = rareseg.load_dataset(dataset)
    source = rareseg.open_dataset(settings)
    train = rareseg.make_splits(source, settings.split).train
    locations = ClassLocations.build(source, train)
    names = locations.class_names
    rare = CopyPasteSettings().resolved(names, class_pixels=locations.class_pixels)
    sampling = donor_sampling(rare, names)
    store = open_store(source, train.regions)

    def batch(share: float, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        shares = {name: share * value for name, value in sampling["shares"].items()}
        plan = build_plan(
            {**sampling, "shares": shares},
            regions=train.regions,
            locations=locations,
            patch_size=(size, size),
            class_names=names,
        )
        drawn = PatchStream(plan, seed=seed, batch_size=patches).batch(number)
        images, masks = store.fetch(drawn.region_index, drawn.rows, drawn.cols, height=size, width=size)
        return torch.from_numpy(images.astype(np.float32)), torch.from_numpy(masks)

    options = AugmentationSettings.parse(
        yaml.safe_load(changes),
        patch_size=(size, size),
        class_names=names,
        class_pixels=locations.class_pixels,
    )
    images, masks = changed = batch(0.5, 0)
    if options.copy_paste is not None:
        changed = copy_paste(*changed, *batch(1.0, 1), options.copy_paste, seed=seed)
    changed = augment(*changed, options, seed=seed)
    low, high = np.percentile(images, [1, 99])
    return Image.fromarray(np.concatenate([_row(*pair, low, high) for pair in ((images, masks), changed)]))


def _row(images: torch.Tensor, masks: torch.Tensor, low: float, high: float) -> NDArray[np.uint8]:
    """Patches side by side, each twice as large; the edges of all classes but the first are drawn."""
    row = []
    for image, mask in zip(images.numpy(), masks.numpy(), strict=True):
        bands = image[[0, 1, 2] if len(image) >= 3 else [0, 0, 0]]
        grey = ((bands - low) / max(high - low, 1e-6) * 255).clip(0, 255).astype(np.uint8)
        pixels = grey.transpose(1, 2, 0).repeat(2, axis=0).repeat(2, axis=1)
        labels = np.pad(mask.repeat(2, axis=0).repeat(2, axis=1), 1, mode="edge")
        inside = labels[1:-1, 1:-1]
        for neighbour in (labels[:-2, 1:-1], labels[2:, 1:-1], labels[1:-1, :-2], labels[1:-1, 2:]):
            pixels[(neighbour != inside) & (inside == 0)] = OUTLINE
        row.append(np.pad(pixels, ((2, 2), (2, 2), (0, 0))))
    return np.concatenate(row, axis=1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", type=Path, nargs="?", help="dataset.yaml, or the folder that holds one")
    parser.add_argument("--changes", default=CHANGES, help="`augmentation` as in study.yaml")
    parser.add_argument("--patches", type=int, default=8)
    parser.add_argument("--patch-size", type=int, default=96)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="PNG file to write; by default in a new folder")
    arguments = parser.parse_args()
    place = Path(mkdtemp(prefix="rareseg-"))
    data = arguments.dataset or rareseg.write_foil_dataset(place / "data", num_images=6, size=(256, 256))
    out = arguments.out or place / "augmentation.png"
    picture(
        data,
        arguments.changes,
        patches=arguments.patches,
        size=arguments.patch_size,
        seed=arguments.seed,
    ).save(out)
    print("Picture:", out)
