"""Small folders of images and masks, made by code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rareseg.config.dataset import DatasetSettings
from rareseg.config.load import parse_settings

Make = Callable[..., DatasetSettings]


@pytest.fixture
def save() -> Callable[[Path, Any], Path]:
    """Write an array as an image file, making folders."""

    def write(path: Path, pixels: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(pixels)).save(path)
        return path

    return write


@pytest.fixture
def make_settings(tmp_path: Path) -> Make:
    """Settings for the data in ``tmp_path``; keyword arguments replace keys."""

    def make(**changes: Any) -> DatasetSettings:
        base: dict[str, Any] = {
            "name": "small",
            "root": str(tmp_path),
            "classes": [{"name": "good"}, {"name": "bad"}],
        }
        return parse_settings(DatasetSettings, {**base, **changes}, where="test")

    return make


@pytest.fixture
def make_folder(tmp_path: Path, save: Callable[[Path, Any], Path], make_settings: Make) -> Make:
    """Write images (random, from the mask's size) and indexed masks by sample id; returns settings."""

    def make(masks: Mapping[str, Any], /, **changes: Any) -> DatasetSettings:
        generator = np.random.default_rng(0)
        for name, mask in masks.items():
            mask = np.asarray(mask, np.uint8)
            save(tmp_path / "images" / f"{name}.png", generator.integers(0, 256, mask.shape, dtype=np.uint8))
            save(tmp_path / "masks" / f"{name}.png", mask)
        return make_settings(**changes)

    return make
