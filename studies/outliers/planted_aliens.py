"""How many planted foreign images the two ways of `rareseg inspect` find.

    python studies/outliers/planted_aliens.py                                    # synthetic foils
    python studies/outliers/planted_aliens.py studies/neu_seg_dedup --root DATA  # a dataset of one's own

A course's images of the ground of Mars held 110 pictures of aliens among 2615, all with one and the same mask. They are
not to be had, so pictures made by code stand in for them, in four ways:

    same     one picture in the place of whole images, with one mask
    varied   the same picture under other exposures and with noise, with one mask
    pasted   only the figure, over the middle half of the images' own ground, with one mask
    few      five pictures that all differ, with masks of their own

Each line says how many of the planted images are found, and how many others are listed beside them.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rareseg.config.dataset import load_dataset_settings
from rareseg.data.foil_dataset import write_foil_dataset
from rareseg.data.open_dataset import open_dataset
from rareseg.data.source import Source
from rareseg.data.splits import make_splits
from rareseg.inspection.fingerprint import make_fingerprint
from rareseg.types import Window

NUM_FEW = 5
WAYS = ("same", "varied", "pasted", "few")


class PlantedSource:
    """A source in which some images and masks are replaced; everything else is the source's own."""

    def __init__(self, source: Source, images: Mapping[str, Any], masks: Mapping[str, Any]) -> None:
        self._source = source
        self._images = images
        self._masks = masks

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def read_image(self, sample: str, window: Window | None = None) -> NDArray[np.generic]:
        """The planted image, or the source's."""
        if sample not in self._images:
            return self._source.read_image(sample, window)
        image = self._images[sample](self._source.read_image(sample))
        return image if window is None else image[:, *window.slices]

    def read_mask(
        self, sample: str, window: Window | None = None, *, labels: str | None = None
    ) -> NDArray[np.uint8]:
        """The planted mask, or the source's."""
        if sample not in self._masks:
            return self._source.read_mask(sample, window, labels=labels)
        mask = self._masks[sample]
        return mask if window is None else mask[window.slices]


def alien(height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Brightness from 0 to 1 of a head with two eyes and a mouth, and where the head is."""
    y, x = np.mgrid[0:height, 0:width]
    y, x = y / height - 0.5, x / width - 0.5
    head = (x / 0.3) ** 2 + (y / 0.42) ** 2 < 1
    picture = np.where(head, 0.7, 0.1)
    for side in (-1, 1):
        picture[((x - side * 0.12) / 0.09) ** 2 + ((y + 0.05) / 0.1) ** 2 < 1] = 0.02
    picture[(x / 0.12) ** 2 + ((y - 0.25) / 0.04) ** 2 < 1] = 0.25
    return picture, head


def doodle(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Brightness from 0 to 1 of a few ellipses, different for every draw."""
    y, x = np.mgrid[0:height, 0:width]
    picture = np.full((height, width), rng.uniform())
    for _ in range(rng.integers(3, 7)):
        row, col, tall, wide = rng.uniform([0.2, 0.2, 0.05, 0.05], [0.8, 0.8, 0.35, 0.35])
        inside = ((y / height - row) / tall) ** 2 + ((x / width - col) / wide) ** 2 < 1
        picture[inside] = rng.uniform()
    return picture


def plant(
    source: Source, way: str, number: int, *, largest: float, seed: int
) -> tuple[PlantedSource, set[str]]:
    """Put foreign pictures in the place of randomly chosen samples."""
    rng = np.random.default_rng(seed)
    chosen = [
        str(name)
        for name in rng.choice(source.sample_ids, NUM_FEW if way == "few" else number, replace=False)
    ]
    images: dict[str, Any] = {}
    masks: dict[str, NDArray[np.uint8]] = {}
    for name in chosen:
        height, width = source.size(name)
        if way == "few":
            picture = doodle(height, width, rng)
            masks[name] = (picture > np.median(picture)).astype(np.uint8)
            images[name] = _replace(picture, largest, 1.0, 0.0, rng)
            continue
        picture, head = alien(height, width)
        masks[name] = head.astype(np.uint8)
        if way == "pasted":
            images[name] = _paste(largest)
        else:
            gain, noise = (rng.uniform(0.7, 1.3), 0.03) if way == "varied" else (1.0, 0.0)
            images[name] = _replace(picture, largest, gain, noise, rng)
    return PlantedSource(source, images, masks), set(chosen)


def _replace(
    picture: NDArray[np.float64], largest: float, gain: float, noise: float, rng: np.random.Generator
) -> Any:
    values = np.clip(picture * gain + noise * rng.normal(size=picture.shape), 0, 1) * largest
    return lambda own: np.broadcast_to(values, own.shape).astype(own.dtype)


def _paste(largest: float) -> Any:
    def paste(own: NDArray[np.generic]) -> NDArray[np.generic]:
        height, width = own.shape[1] // 2, own.shape[2] // 2
        picture, head = alien(height, width)
        made = own.copy()
        middle = made[:, height // 2 : height // 2 + height, width // 2 : width // 2 + width]
        middle[:, head] = (picture[head] * largest).astype(own.dtype)
        return made

    return paste


def sources(arguments: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Source, Any]]:
    """The datasets to plant in: those that were named, or synthetic foils."""
    paths = arguments.datasets
    if not paths:
        paths = [write_foil_dataset(folder, num_images=arguments.foils, size=(64, 128))]
    for path in paths:
        settings = load_dataset_settings(path, root=arguments.root if arguments.datasets else None)
        # Foils are cut in two for training; whole images stand for a set of tiles.
        split = settings.split if arguments.datasets else settings.split.model_copy(update={"kind": "group"})
        source = open_dataset(settings)
        yield settings.name, source, make_splits(source, split)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("datasets", nargs="*", type=Path, help="dataset.yaml or its folder")
    parser.add_argument("--root", type=Path, help="folder of the data, for one dataset")
    parser.add_argument("--planted", type=int, default=110, help="images to plant")
    parser.add_argument("--foils", type=int, default=400, help="synthetic foils to make")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    print(
        "| dataset | images | planted | seed | by mask: found, others | by autoencoder: found, others | worst n |"
    )
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, source, splits in sources(arguments, Path(folder)):
            first = source.read_image(source.sample_ids[0])
            largest = float(np.iinfo(first.dtype).max) if first.dtype.kind == "u" else float(first.max())
            for way in WAYS:
                for seed in range(arguments.seeds):
                    planted, chosen = plant(source, way, arguments.planted, largest=largest, seed=seed)
                    found = make_fingerprint(planted, splits, outliers=True)["outliers"]
                    by_mask = set(found["masks"]["exclude"]) - set(source.excluded)
                    drawn = found["reconstruction"]
                    by_image = set(drawn["exclude"]) - set(source.excluded)
                    worst = {row["sample"] for row in drawn["images"][: len(chosen)]}
                    print(
                        f"| {name} | {len(source.sample_ids)} | {len(chosen)} {way} | {seed} "
                        f"| {len(by_mask & chosen)}, {len(by_mask - chosen)} "
                        f"| {len(by_image & chosen)}, {len(by_image - chosen)} | {len(worst & chosen)} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
