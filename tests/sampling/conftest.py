"""Small training data whose class pixels are known by construction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from rareseg.sampling.class_locations import ClassLocations
from rareseg.sampling.plan import Corners, Plan
from rareseg.sampling.plans import build_plan
from rareseg.types import IGNORE_INDEX, Region, Window

NAMES = ("background", "crack", "cavity", "absent")


@pytest.fixture
def masks() -> list[np.ndarray]:
    """A large, a wide, a small and an empty region; cavity lies in a corner and in the middle."""
    large = np.zeros((40, 50), np.uint8)
    large[10:12, 5:45] = 1
    large[0, 0] = large[39, 49] = large[20, 25] = 2
    large[30:35, :10] = IGNORE_INDEX
    wide = np.zeros((10, 60), np.uint8)
    wide[4, 50:55] = 2
    small = np.ones((6, 7), np.uint8)
    small[0, :3] = 0
    empty = np.zeros((16, 16), np.uint8)
    return [large, wide, small, empty]


@pytest.fixture
def regions(masks: list[np.ndarray]) -> tuple[Region, ...]:
    """A region for each mask, none of which starts at the corner of its sample."""
    return tuple(Region(f"s{number}", Window(3, 4, *mask.shape)) for number, mask in enumerate(masks))


@pytest.fixture
def make_plan(masks: list[np.ndarray], regions: Sequence[Region]) -> Callable[..., Plan]:
    """Build a plan over `masks` with patches of 16 x 16."""

    def make(settings: Any, patch_size: tuple[int, int] = (16, 16), **options: Any) -> Plan:
        return build_plan(
            settings,
            regions=regions,
            locations=ClassLocations.from_masks(masks, NAMES),
            patch_size=patch_size,
            class_names=NAMES,
            **options,
        )

    return make


@pytest.fixture
def images(masks: list[np.ndarray]) -> list[np.ndarray]:
    """Two bands of a mean of 50 for each mask; the right 20 columns of the large region have a mean of 5."""
    images = [np.stack([np.full(mask.shape, value, np.uint8) for value in (20, 80)]) for mask in masks]
    images[0][:, :, 30:] = np.array([0, 10], np.uint8)[:, None, None]
    return images


@pytest.fixture
def covered(masks: list[np.ndarray]) -> Callable[..., list[np.ndarray]]:
    """Cut from the masks, or from other arrays, what each window covers of its region."""

    def cut(
        corners: Corners, patch: tuple[int, int] = (16, 16), arrays: Sequence[np.ndarray] | None = None
    ) -> list[np.ndarray]:
        return [
            (masks if arrays is None else arrays)[r][..., max(0, y) : y + patch[0], max(0, x) : x + patch[1]]
            for r, y, x in zip(*corners, strict=True)
        ]

    return cut


@pytest.fixture(scope="session")
def philox_reference() -> Callable[[Sequence[int], Sequence[int]], tuple[int, ...]]:
    """Philox 4x32-10 written out for one counter in plain integers, after the paper's definition."""

    def philox(counter: Sequence[int], key: Sequence[int]) -> tuple[int, ...]:
        (a, b, c, d), (k, m) = counter, key
        for _ in range(10):
            high_a, low_a = divmod(0xD2511F53 * a, 1 << 32)
            high_c, low_c = divmod(0xCD9E8D57 * c, 1 << 32)
            a, b, c, d = high_c ^ b ^ k, low_c, high_a ^ d ^ m, low_a
            k, m = (k + 0x9E3779B9) % (1 << 32), (m + 0xBB67AE85) % (1 << 32)
        return a, b, c, d

    return philox
