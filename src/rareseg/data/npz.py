"""The ``npz`` format: images and masks as stacks in arrays of numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from rareseg.config.dataset import DatasetSettings, MaskSettings
from rareseg.config.npz import NpzSettings
from rareseg.data.array_file import ArrayPlace, array_in, arrays_text, list_arrays
from rareseg.data.label_reader import LabelReader
from rareseg.data.labels import ClassTable
from rareseg.data.mapped_array import MappedArray
from rareseg.data.sample_source import SampleSource
from rareseg.data.source import SOURCES
from rareseg.data.stack_axes import mask_axis_to_drop, stack_axes
from rareseg.data.stack_images import StackImages
from rareseg.data.stack_labels import StackLabels
from rareseg.data.stack_samples import find_stack_samples
from rareseg.errors import SizeMismatchError, UnknownLabelError

__all__ = ["open_npz"]


@SOURCES.register("npz")
def open_npz(settings: DatasetSettings) -> SampleSource:
    """Stacks of tiles in an .npz, an .npy, or a folder of .npy files.

    Args:
        settings: With ``root`` set to the data's folder.

    Raises:
        ConfigError: There is no array of that name, its axes could mean two things, or a table lacks a column.
        DataError: The file is absent or damaged, arrays do not fit each other, or masks are no whole numbers.
    """
    npz = settings.npz
    assert npz is not None
    path = Path(settings.root) / npz.file
    arrays = list_arrays(path)
    place = array_in(arrays, npz.images, path, option="npz.images")
    where = f"{path}:{npz.images}"
    axes = stack_axes(place.shape, npz.axes, where)
    stack = MappedArray(place)
    samples, positions = find_stack_samples(
        settings, arrays, key=npz.images, num=place.shape[axes.index("n")]
    )
    images = StackImages(stack, axes, positions, mask_channel=npz.mask_channel)
    labels: dict[str | None, LabelReader] = {}
    for name in (None, *settings.other_masks):
        masks = settings.masks if name is None else settings.other_masks[name]
        table = _table(settings, masks)
        if masks.key is None:
            labels[name] = StackLabels(
                stack, axes, positions, table, key=npz.images, channel=npz.mask_channel or "last"
            )
            continue
        option = "masks.key" if name is None else f"other_masks.{name}.key"
        found = array_in(arrays, masks.key, path, option=option)
        labels[name] = StackLabels(
            MappedArray(found),
            _mask_axes(found, masks.key, place, npz, axes=axes, path=path, arrays=arrays),
            positions,
            table,
            key=masks.key,
        )
    return SampleSource(settings, samples, images=images, labels=labels, table=path)


def _table(settings: DatasetSettings, masks: MaskSettings) -> ClassTable:
    return replace(
        ClassTable.from_settings(settings), ignore=masks.ignore, kind=masks.kind, threshold=masks.threshold
    )


def _mask_axes(
    found: ArrayPlace,
    key: str,
    images: ArrayPlace,
    npz: NpzSettings,
    *,
    axes: str,
    path: Path,
    arrays: Mapping[str, ArrayPlace],
) -> str:
    """Letters of the masks' axes, which come in the images' order, once they fit the images."""
    shown = f"'{path}:{key}' is {' x '.join(map(str, found.shape))} {found.dtype.name}"
    if found.dtype.kind not in "bui":
        raise UnknownLabelError(
            f"{shown}, but masks are whole numbers; save it with a whole-number type. The file holds: "
            f"{arrays_text(arrays)}."
        )
    extra = mask_axis_to_drop(found.shape, images.shape, axes)
    if extra is None:
        shape = " x ".join(str(n) for letter, n in zip(axes, images.shape, strict=True) if letter != "c")
        raise SizeMismatchError(
            f"{shown}, but masks of '{npz.images}' ({axes}) should be {shape}; name another array, or set "
            f"npz.axes. The file holds: {arrays_text(arrays)}."
        )
    letters = axes.replace("c", "")
    return letters if extra < 0 else letters[:extra] + "c" + letters[extra:]
