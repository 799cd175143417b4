"""How many copies of images are found, and how many pairs are taken for copies wrongly.

    python benchmarks/duplicates.py studies/magnetic_tile studies/neu_seg_dedup

Every image of a dataset gets one copy: in one of the eight positions, under another exposure (gamma,
contrast, brightness, clipped to 0..255), compressed as jpg. The images are divided into two halves by group.
The threshold is chosen on the first half and judged on the second. A pair is right if it is an image and its
copy, false if it joins two groups, and does not count if it joins two images of one group.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from rareseg.config.dataset import load_dataset_settings
from rareseg.data.open_dataset import open_dataset
from rareseg.inspection.duplicates import COARSE_THRESHOLD, THRESHOLD, Duplicate, find_duplicates
from rareseg.inspection.image_scan import ImageScan, scan_images
from rareseg.inspection.transforms import TRANSFORMS
from rareseg.types import Window

# Groups that the datasets keep apart although a look at the images shows one object: tile 358102 is tile
# 355636 shot again, and two pairs of steel shots overlap.
SAME_OBJECT = {"tile358102": "tile355636", "neu0844": "neu0187", "neu0667": "neu0244"}


@dataclass(frozen=True)
class Strength:
    """Widths of the uniform distributions that exposure and compression are drawn from."""

    log_gamma: float
    contrast: tuple[float, float]
    brightness: float
    quality: tuple[int, int]


STRENGTHS = {
    "usual": Strength(0.3, (0.7, 1.4), 30, (60, 95)),
    "harsh": Strength(0.5, (0.5, 1.6), 50, (40, 95)),
}


class Arrays:
    """Images in memory, as a source."""

    def __init__(self, images: dict[str, np.ndarray]) -> None:
        self.images = images
        self.num_bands = 1

    def size(self, sample: str) -> tuple[int, int]:
        height, width = self.images[sample].shape
        return height, width

    def read_image(self, sample: str, window: Window) -> np.ndarray:
        return self.images[sample][window.slices][None]


@dataclass(frozen=True)
class Material:
    """Scans of originals and of their copies (``<id>#copy``), the groups, and what was done."""

    scans: list[ImageScan]
    groups: dict[str, str]
    transforms: dict[str, str]


def make_material(folder: Path, strength: Strength, *, seed: int) -> Material:
    source = open_dataset(load_dataset_settings(folder))
    images: dict[str, np.ndarray] = {}
    groups, transforms = {}, {}
    for number, sample in enumerate(source.sample_ids):
        image = np.asarray(source.read_image(sample))[0]
        rng = np.random.default_rng([seed, number])
        name = str(rng.choice(list(TRANSFORMS)))
        images[sample], images[f"{sample}#copy"] = image, spoil(TRANSFORMS[name](image), strength, rng)
        transforms[sample] = name
        group = source.group(sample)
        groups[sample] = groups[f"{sample}#copy"] = SAME_OBJECT.get(group, group)
    arrays: Any = Arrays(images)
    return Material(scan_images(arrays, list(images)), groups, transforms)


def spoil(image: np.ndarray, strength: Strength, rng: np.random.Generator) -> np.ndarray:
    """The image under another exposure, compressed and unpacked."""
    values = 255 * (image / 255.0) ** np.exp(rng.uniform(-strength.log_gamma, strength.log_gamma))
    middle = values.mean()
    values = (values - middle) * rng.uniform(*strength.contrast) + middle
    values += rng.uniform(-strength.brightness, strength.brightness)
    file = io.BytesIO()
    pixels = np.ascontiguousarray(np.clip(values, 0, 255).round().astype(np.uint8))
    Image.fromarray(pixels).save(file, "jpeg", quality=int(rng.integers(*strength.quality)))
    return np.asarray(Image.open(file))


@dataclass(frozen=True)
class Rates:
    """Copies found, copies found in the right position, and pairs reported wrongly."""

    num_copies: int
    num_found: int
    num_right_transform: int
    num_reported: int
    num_false: int

    @property
    def missed(self) -> float:
        return 1 - self.num_found / self.num_copies

    @property
    def false(self) -> float:
        return self.num_false / max(1, self.num_reported)


def judge(material: Material, pairs: Sequence[Duplicate], samples: Sequence[str], threshold: float) -> Rates:
    """Rates over pairs of at least ``threshold`` among ``samples`` and their copies."""
    chosen = set(samples)
    found = right = reported = false = 0
    for pair in pairs:
        a, b = pair.a.removesuffix("#copy"), pair.b.removesuffix("#copy")
        if pair.similarity < threshold or a not in chosen or b not in chosen:
            continue
        if a == b:
            found += 1
            turn = TRANSFORMS[pair.transform]
            right += material.transforms[a] == (turn.inverse if pair.a.endswith("#copy") else turn.name)
        if a == b or material.groups[a] != material.groups[b]:
            reported += 1
            false += a != b
    return Rates(len(chosen), found, right, reported, false)


def halves(material: Material) -> tuple[list[str], list[str]]:
    """Samples by the parity of a digest of their group."""
    sides: tuple[list[str], list[str]] = ([], [])
    for sample in material.transforms:
        digest = hashlib.sha1(material.groups[sample].encode()).digest()
        sides[digest[0] % 2].append(sample)
    return sides


def best_threshold(cases: Sequence[tuple[Material, list[Duplicate]]]) -> float:
    """Middle of the thresholds with the least share of missed copies and false pairs, summed over cases."""
    candidates = np.arange(0.4, 0.9, 0.01)
    costs = []
    for threshold in candidates:
        rates = [judge(m, pairs, halves(m)[0], float(threshold)) for m, pairs in cases]
        costs.append(sum(rate.missed + rate.false for rate in rates))
    least = candidates[np.array(costs) <= min(costs) + 1e-9]
    return round(float(np.median(least)), 2)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("datasets", nargs="+", type=Path, help="dataset.yaml files or folders that hold one")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    cases = []
    for folder in arguments.datasets:
        for name, strength in STRENGTHS.items():
            material = make_material(folder, strength, seed=arguments.seed)
            start = time.perf_counter()
            pairs = find_duplicates(material.scans, threshold=COARSE_THRESHOLD)
            cases.append((folder, name, material, pairs, time.perf_counter() - start))
    chosen = best_threshold([(material, pairs) for _, _, material, pairs, _ in cases])
    print(f"threshold chosen on the first halves: {chosen}; the package's own: {THRESHOLD}\n")
    print("dataset          copies  images    found position   false pairs compared in")
    for folder, name, material, pairs, seconds in cases:
        rate = judge(material, pairs, halves(material)[1], THRESHOLD)
        print(
            f"{folder.name:<16} {name:<7} {rate.num_copies:>6} {1 - rate.missed:>8.2%}"
            f" {rate.num_right_transform / max(1, rate.num_found):>8.2%}"
            f" {f'{rate.num_false} of {rate.num_reported}':>13} {seconds:>9.1f} s"
        )


if __name__ == "__main__":
    main()
