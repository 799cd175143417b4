"""``data.json``: what the report needs to know of the dataset, without the dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rareseg.config.dataset import DatasetSettings
from rareseg.data.source import Source
from rareseg.data.splits import Splits
from rareseg.provenance import digest_of
from rareseg.types import Region

__all__ = ["summarise_data"]

RegionPixels = Mapping[Region, NDArray[np.int64]]
"""Pixels of each class, and of ignored ones last, of every region."""


def summarise_data(
    settings: DatasetSettings, source: Source, splits: Splits, pixels: RegionPixels
) -> dict[str, Any]:
    """Names, colours and per-split pixel counts as JSON-like values.

    Args:
        settings: The dataset.
        source: Its open source.
        splits: Its parts.
        pixels: Class pixels ``(k + 1,)`` of every region of every part.
    """
    table = source.class_table
    samples = {region.sample for part in _parts(splits) for region in part}
    parts = {}
    for part in (splits.train, splits.val, splits.test):
        if part is None:
            continue
        counts = np.array([pixels[region] for region in part.regions])
        parts[part.name] = {
            "samples": len(part.regions),
            "groups": len({source.group(region.sample) for region in part.regions}),
            "megapixels": float(sum(region.window.area for region in part.regions) / 1e6),
            "class_pixels": _named(table.names, counts.sum(axis=0)),
            "class_images": _named(table.names, (counts > 0).sum(axis=0)),
            "class_groups": {
                name: len(
                    {
                        source.group(r.sample)
                        for r, row in zip(part.regions, counts, strict=True)
                        if row[index]
                    }
                )
                for index, name in enumerate(table.names)
            },
            "ignored_pixels": int(counts[:, -1].sum()),
        }
    return {
        "name": settings.name,
        "class_names": list(table.names),
        "class_values": list(table.values),
        "class_colors": ["#{:02x}{:02x}{:02x}".format(*color) for color in table.colors],
        "num_bands": source.num_bands,
        "num_samples": len(samples),
        "num_groups": len({source.group(sample) for sample in samples}),
        "unit": settings.unit,
        "pixel_size": _pixel_size(settings),
        "splits": parts,
        "excluded": list(settings.exclude),
        "digest": digest_of(
            {"regions": [[*r.window, r.sample, pixels[r].tolist()] for p in _parts(splits) for r in p]}
        ),
    }


def _pixel_size(settings: DatasetSettings) -> float | None:
    """Of the pixels that are trained on and judged, which are finer than the files' where these are enlarged."""
    if settings.pixel_size is None or settings.resample is None:
        return settings.pixel_size
    return settings.pixel_size / settings.resample.factor


def _parts(splits: Splits) -> list[Sequence[Region]]:
    return [part.regions for part in (splits.train, splits.val, splits.test) if part is not None]


def _named(names: Sequence[str], values: NDArray[np.int64]) -> dict[str, int]:
    return {name: int(value) for name, value in zip(names, values, strict=False)}
