"""A first ``dataset.yaml`` for arrays of tiles, from their names, shapes and values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rareseg.artefacts import read_csv
from rareseg.data.array_file import ArrayPlace, arrays_text, list_arrays
from rareseg.data.guess_masks import MASKS_LOOKED_AT, MOST_CLASSES, guess_values
from rareseg.data.mapped_array import MappedArray
from rareseg.data.stack_axes import as_nchw, mask_axis_to_drop, stack_axes
from rareseg.errors import ConfigError, DataError

__all__ = ["guess_stack"]

_MASK_NAME = re.compile(r"mask|label|annot|target|truth|segm|(^|_)gt(_|$)|^y(_|$)", re.IGNORECASE)


def guess_stack(path: Path, names: Sequence[str], tables: Sequence[str]) -> dict[str, Any]:
    """Describe the arrays of a file as ``dataset.yaml`` does, without name and root.

    Masks are an array of whole numbers with a mask's name and the shape of the images, or else the last (or
    first) channel of a stack, if it holds few whole numbers.

    Args:
        path: An .npz or .npy file.
        names: Names of the classes if they are known, background first.
        tables: Names of tables beside the file that may list its tiles.

    Raises:
        ConfigError: No array, or none of its channels, looks like masks.
        DataError: The file is damaged.
    """
    arrays = list_arrays(path)
    guessed = _apart(arrays, names, path) or _joined(arrays, names, path)
    if guessed is None:
        raise ConfigError(
            f"'{path}' holds no images with masks that could be told apart by their names and values; write "
            f"dataset.yaml by hand after docs/formats.md. It holds: {arrays_text(arrays)}."
        )
    images = arrays[guessed["npz"]["images"]]
    num = images.shape[0]
    columns = {name for name, place in arrays.items() if place.shape == (num,)}
    table = next((name for name in tables if _lists_tiles(path.parent / name, path, guessed)), None)
    if table is not None:
        guessed["samples"] = table
        columns |= set(read_csv(path.parent / table)[0])
    if "group" in columns:
        guessed["group"] = {"column": "group"}
    if "split" in columns:
        guessed["split"] = {"kind": "column", "column": "split"}
    else:
        guessed["split"] = {"kind": "region" if num < 10 else "group"}
    return guessed


def _apart(arrays: Mapping[str, ArrayPlace], names: Sequence[str], path: Path) -> dict[str, Any] | None:
    """Masks in an array of their own."""
    for key, masks in arrays.items():
        if not _MASK_NAME.search(key) or masks.dtype.kind not in "bui":
            continue
        for image_key, images in arrays.items():
            axes = _axes(image_key, images, path)
            if image_key == key or _MASK_NAME.search(image_key) or axes is None:
                continue
            if mask_axis_to_drop(masks.shape, images.shape, axes) is None:
                continue
            counts = _count(np.asarray(MappedArray(masks).open()))
            kind, classes = guess_values(counts, names, path)
            described = {"kind": kind.kind, "key": key, "ignore": kind.ignore}
            if kind.threshold is not None:
                described["threshold"] = kind.threshold
            npz = {"file": path.name, "images": image_key, "axes": axes}
            return {"format": "npz", "npz": npz, "masks": described, "classes": classes}
    return None


def _joined(arrays: Mapping[str, ArrayPlace], names: Sequence[str], path: Path) -> dict[str, Any] | None:
    """Masks in a channel of the images' array; one with ``train`` in its name is looked at first."""
    ends: tuple[tuple[Literal["first", "last"], int], ...] = (("last", -1), ("first", 0))
    for key in sorted(arrays, key=lambda key: "train" not in key.lower()):
        place = arrays[key]
        axes = _axes(key, place, path)
        if axes is None or "c" not in axes or place.shape[axes.index("c")] < 2:
            continue
        stack = as_nchw(np.asarray(MappedArray(place).open()), axes)
        for end, channel in ends:
            values = stack[:, channel]
            sample = values[:: max(1, len(values) // MASKS_LOOKED_AT)]
            if (sample != np.round(sample)).any() or sample.min() < 0:
                continue
            counts = _count(sample)
            if len(counts) > MOST_CLASSES or len(counts) < 2:
                continue
            kind, classes = guess_values(counts, names, path)
            npz = {"file": path.name, "images": key, "axes": axes, "mask_channel": end}
            masks: dict[str, Any] = {"kind": kind.kind, "ignore": kind.ignore}
            if kind.threshold is not None:
                masks["threshold"] = kind.threshold
            return {"format": "npz", "npz": npz, "masks": masks, "classes": classes}
    return None


def _axes(key: str, place: ArrayPlace, path: Path) -> str | None:
    """The order of an array's axes, if it can be a stack of images."""
    if place.dtype.kind not in "buif" or 0 in place.shape:
        return None
    try:
        return stack_axes(place.shape, None, f"{path}:{key}")
    except (ConfigError, DataError):
        return None


def _count(masks: NDArray[Any]) -> Counter[int]:
    """Pixels of each value in some of the tiles."""
    step = max(1, len(masks) // MASKS_LOOKED_AT)
    values, numbers = np.unique(masks[::step], return_counts=True)
    return Counter({int(value): int(number) for value, number in zip(values, numbers, strict=True)})


def _lists_tiles(table: Path, path: Path, guessed: Mapping[str, Any]) -> bool:
    """Whether a table's ``image`` cells are places in this very stack, or it has a column ``index``."""
    if not table.is_file():
        return False
    rows = read_csv(table)
    if not rows or "sample_id" not in rows[0]:
        return False
    if "index" in rows[0]:
        return True
    start = f"{path.name}:{guessed['npz']['images']}["
    return "image" in rows[0] and all(
        row["image"].startswith(start) and row["image"].endswith("]") for row in rows
    )
