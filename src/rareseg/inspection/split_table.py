"""What each part of a split holds, and how far it drifts from the training part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rareseg.types import Region

if TYPE_CHECKING:
    from rareseg.data.source import Source
    from rareseg.data.splits import Splits

__all__ = ["split_table"]


def split_table(
    source: Source, splits: Splits, pixels: Mapping[Region, NDArray[np.int64]]
) -> dict[str, dict[str, Any]]:
    """Count images, groups and class pixels of every part and compare them with the training part.

    Args:
        source: Where samples come from.
        splits: The parts.
        pixels: Pixels of each class ``(k,)`` of every region of every part.

    Returns:
        By part, JSON-like: ``num_images``, ``num_regions``, ``num_groups``, ``groups``, ``blank_images`` (with
        no class but the background), ``megapixels``, ``unlabelled`` (share of pixels); by class name
        ``class_pixels``, ``class_images``, ``class_groups`` and ``shares`` (of labelled pixels); and ``drift``
        with ``total_variation`` (half the sum of absolute differences of shares, 0 to 1) and ``ratio`` (share
        here over share in train, by class; None where train holds none).
    """
    names = source.class_table.names
    table: dict[str, dict[str, Any]] = {}
    base: NDArray[np.float64] | None = None
    for part in (splits.train, splits.val, splits.test):
        if part is None:
            continue
        counts = np.array([pixels[region] for region in part.regions], np.int64).reshape(-1, len(names))
        area = sum(region.window.area for region in part.regions)
        shares = counts.sum(axis=0) / max(1, int(counts.sum()))
        base = shares if base is None else base
        samples = {region.sample for region in part.regions}
        holders = [
            {region.sample for region, row in zip(part.regions, counts, strict=True) if row[index]}
            for index in range(len(names))
        ]
        table[part.name] = {
            "num_images": len(samples),
            "num_regions": len(part.regions),
            "num_groups": len({source.group(sample) for sample in samples}),
            "groups": sorted({source.group(sample) for sample in samples}),
            "blank_images": len(samples - set().union(*holders[1:])),
            "megapixels": area / 1e6,
            "unlabelled": 1 - int(counts.sum()) / max(1, area),
            "class_pixels": dict(zip(names, counts.sum(axis=0).tolist(), strict=True)),
            "class_images": {name: len(held) for name, held in zip(names, holders, strict=True)},
            "class_groups": {
                name: len({source.group(sample) for sample in held})
                for name, held in zip(names, holders, strict=True)
            },
            "shares": dict(zip(names, shares.tolist(), strict=True)),
            "drift": {
                "total_variation": float(np.abs(shares - base).sum() / 2),
                "ratio": {
                    name: float(here / there) if there > 0 else None
                    for name, here, there in zip(names, shares, base, strict=True)
                },
            },
        }
    return table
