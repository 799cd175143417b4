"""A dataset in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rareseg.data.labels import ClassTable
from rareseg.data.splits import Splits, TestSplit, TrainSplit, ValSplit
from rareseg.types import Region, Window


@dataclass
class MemorySource:
    """Images ``(c, h, w)`` and masks by sample id."""

    masks: Mapping[str, np.ndarray]
    images: Mapping[str, np.ndarray] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ("background", "crack", "cavity")
    others: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    overlaps: Mapping[str, int] = field(default_factory=dict)
    excluded: tuple[str, ...] = ()

    @property
    def class_table(self) -> ClassTable:
        return ClassTable.from_names(self.names)

    @property
    def other_labels(self) -> tuple[str, ...]:
        return tuple(self.others)

    @property
    def sample_ids(self) -> tuple[str, ...]:
        return tuple(self.masks)

    @property
    def num_bands(self) -> int:
        return next(iter(self.images.values())).shape[0] if self.images else 1

    @property
    def dtype(self) -> np.dtype[Any]:
        return next(iter(self.images.values())).dtype if self.images else np.dtype(np.uint8)

    def size(self, sample: str) -> tuple[int, int]:
        return self.masks[sample].shape

    def group(self, sample: str) -> str:
        return self.groups.get(sample, sample)

    def has_mask(self, sample: str) -> bool:
        return True

    def image_path(self, sample: str) -> Path:
        return Path(f"images/{sample}.png")

    def mask_path(self, sample: str) -> Path:
        return Path(f"masks/{sample}.png")

    def read_image(self, sample: str, window: Window | None = None) -> np.ndarray:
        image = self.images[sample]
        return image if window is None else image[:, *window.slices]

    def read_mask(
        self, sample: str, window: Window | None = None, *, labels: str | None = None
    ) -> np.ndarray:
        mask = (self.masks if labels is None else self.others[labels])[sample]
        return mask if window is None else mask[window.slices]


def _regions(source: MemorySource, samples: list[str]) -> tuple[Region, ...]:
    return tuple(Region(sample, Window(0, 0, *source.size(sample))) for sample in samples)


@pytest.fixture
def make_source() -> type[MemorySource]:
    return MemorySource


@pytest.fixture
def split() -> Callable[..., Splits]:
    """Whole samples as parts."""

    def make(source: Any, train: list[str], val: list[str], test: list[str] | None = None) -> Splits:
        return Splits(
            TrainSplit(_regions(source, train)),
            ValSplit(_regions(source, val)),
            TestSplit(_regions(source, test)) if test is not None else None,
        )

    return make


@pytest.fixture
def grain() -> Callable[..., np.ndarray]:
    """Random structure on several scales, ``(h, w)`` uint8."""

    def make(seed: int, height: int = 150, width: int = 200) -> np.ndarray:
        from scipy.ndimage import gaussian_filter

        rng = np.random.default_rng(seed)
        layers = [gaussian_filter(rng.normal(size=(height, width)), blur) * blur for blur in (1, 3, 9, 25)]
        image = sum(layers)
        return np.clip(128 + 40 * (image - image.mean()) / image.std(), 0, 255).astype(np.uint8)

    return make
