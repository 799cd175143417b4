"""A first study for a dataset, from what its training part holds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from rareseg.config.dataset import DatasetSettings
from rareseg.data.open_dataset import open_dataset
from rareseg.data.splits import make_splits
from rareseg.metrics.late_checkpoints import late_checkpoints
from rareseg.sampling.class_locations import ClassLocations

__all__ = ["plan_study"]

_STEPS = 10_000

_FIRST = ("baseline", "wce_icf", "wce_iscf", "focal", "focal_iscf")
"""Strategies of the catalogue that need no knowledge of the data and disappoint least often."""


def plan_study(settings: DatasetSettings, *, dataset_path: Path, study_path: Path) -> dict[str, Any]:
    """``study.yaml`` as a mapping: the catalogue's remedies and the rarest class oversampled.

    The patch is 256 pixels, or smaller where the images are; the budget and the late checkpoints that tell whether
    training has converged are the foil thesis's.

    Args:
        settings: The dataset.
        dataset_path: Where its file is.
        study_path: Where the study will be, so that it can name the dataset relative to itself.
    """
    source = open_dataset(settings)
    splits = make_splits(source, settings.split)
    locations = ClassLocations.build(source, splits.train)
    pixels = locations.class_pixels
    rarest = settings.class_names[int(np.argmin(np.where(pixels > 0, pixels, pixels.max() + 1)))]
    shortest = int(np.median([min(r.window.height, r.window.width) for r in splits.train.regions]))
    patch = int(np.clip(shortest // 32 * 32, 64, 256))
    strategies: dict[str, Any] = {name: {"use": name} for name in _FIRST}
    strategies["oversample_rarest"] = {
        "sampling": {"name": "oversample", "shares": {rarest: 0.5}},
        "note": f"half of the patches hold {rarest}, the rarest class",
    }
    return {
        "name": settings.name,
        "dataset": os.path.relpath(dataset_path.resolve(), study_path.resolve().parent),
        "seeds": [0, 1, 2],
        "budget": {"steps": _STEPS, "batch_size": 16, "patch_size": patch},
        "record": {"checkpoint_steps": late_checkpoints(_STEPS)},
        "base": {"model": {"name": "unet", "base_channels": 32}},
        "strategies": strategies,
    }
