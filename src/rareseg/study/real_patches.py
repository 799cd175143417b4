"""Patches of the images that judged a run, to try an exported form on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rareseg.artefacts import read_yaml
from rareseg.config.dataset import load_dataset_settings
from rareseg.config.load import parse_settings
from rareseg.config.study import StudySettings
from rareseg.data.open_dataset import open_dataset
from rareseg.data.splits import make_splits
from rareseg.types import Window

__all__ = ["real_patches"]


def real_patches(
    folder: Path, *, root: Path | None = None, number: int = 8, side: int = 256
) -> list[NDArray[np.generic]]:
    """Middles of images of the test part, evenly spread over it; of the validation part where there is no test part.

    Args:
        folder: ``RUNS/<strategy>/seed-<n>``.
        root: Folder of the data instead of the one that the dataset names.
        number: Most patches.
        side: Most rows and columns of a patch.

    Raises:
        RaresegError: The data are not where the study says, or are not what they were.
    """
    value = read_yaml(Path(folder).parent.parent / "study.yaml")
    settings = parse_settings(StudySettings, value, where="study.yaml")
    dataset = load_dataset_settings(Path(settings.dataset), root=root)
    source = open_dataset(dataset)
    splits = make_splits(source, settings.split or dataset.split)
    regions = splits.val.regions if splits.test is None else splits.test.regions
    chosen = [
        regions[int(place)] for place in np.linspace(0, len(regions) - 1, min(number, len(regions))).round()
    ]
    patches = []
    for region in chosen:
        box = region.window
        height, width = min(side, box.height), min(side, box.width)
        row, col = box.row + (box.height - height) // 2, box.col + (box.width - width) // 2
        patches.append(source.read_image(region.sample, Window(row, col, height, width)))
    return patches
