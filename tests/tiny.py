"""A dataset and a study small enough to train in seconds; shared by tests."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

SMALL_MODELS: dict[str, dict[str, object]] = {
    "unet": {"base_channels": 4, "depth": 2},
    "unetplusplus": {"base_channels": 4, "depth": 2},
    "se_unet": {"base_channels": 4, "depth": 2},
    "double_unet": {"base_channels": 4, "depth": 2, "rates": [1, 2]},
    "efficientnet_lite_unet": {"depth": 2, "decoder_channels": [8, 4]},
    "smp": {"architecture": "DeepLabV3Plus", "encoder": "resnet18"},
}
"""Options that make a model small enough to test; one that is not named is built with its defaults."""


def model_param(value: str, *, name: str | None = None) -> object:
    """A parameter for pytest: of the model ``smp``, it is tested where its library is, see scripts/test-encoders."""
    if (name or value) != "smp":
        return pytest.param(value)
    missing = find_spec("segmentation_models_pytorch") is None
    skip = pytest.mark.skipif(
        missing, reason="the extra encoders is not installed; run scripts/test-encoders"
    )
    return pytest.param(value, marks=[pytest.mark.encoders, skip])


def make_tiny_dataset(folder: Path, *, num_images: int = 9, size: tuple[int, int] = (72, 88)) -> Path:
    """A folder dataset with two rare classes: squares and lines on noise; groups of three."""
    rng = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    rows = []
    for number in range(num_images):
        image = rng.normal(120, 12, size)
        mask = np.zeros(size, np.uint8)
        for _ in range(3):
            row, col = rng.integers(4, size[0] - 12), rng.integers(4, size[1] - 12)
            image[row : row + 6, col : col + 6] += 70
            mask[row : row + 6, col : col + 6] = 1
        row = rng.integers(4, size[0] - 4)
        image[row : row + 2] -= 60
        mask[row : row + 2] = 2
        name = f"im{number:02d}"
        Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(folder / "images" / f"{name}.png")
        Image.fromarray(mask).save(folder / "masks" / f"{name}.png")
        part = ("train", "val", "test")[3 * number // num_images]
        rows.append(f"{name},images/{name}.png,masks/{name}.png,{part},g{number // 3}")
    (folder / "samples.csv").write_text("sample_id,image,mask,split,group\n" + "\n".join(rows) + "\n")
    (folder / "dataset.yaml").write_text(
        "name: tiny\nclasses: [{name: background}, {name: square}, {name: line}]\nsamples: samples.csv\n"
        "group: {column: group}\nsplit: {kind: column}\n"
    )
    return folder


def make_tiny_study(folder: Path, data: Path, /, **changes: object) -> Path:
    """A study over the tiny dataset that trains in seconds."""
    settings: dict[str, object] = {
        "name": "tiny",
        "dataset": str(data / "dataset.yaml"),
        "seeds": [0],
        "budget": {"steps": 12, "batch_size": 4, "patch_size": 32},
        "record": {"log_every": 2, "validate_every": 6, "checkpoint_steps": [6], "checkpoint_seconds": 0},
        "precision": "float32",
        "base": {"model": {"name": "unet", "base_channels": 4, "depth": 2}},
        "strategies": {
            "baseline": {},
            "remedy": {
                "sampling": {"name": "oversample", "shares": {"square": 0.5}},
                "loss": {"name": "focal", "gamma": 2.0, "weights": "iscf"},
            },
        },
        **changes,
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path
