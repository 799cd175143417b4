"""The ``coco`` format: image files, with polygons or run lengths of instances in a COCO file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from rareseg.config.coco import CocoSettings
from rareseg.config.dataset import DatasetSettings
from rareseg.data.coco_file import CocoFile, CocoId, read_coco
from rareseg.data.coco_labels import CocoLabels
from rareseg.data.excluded import without_excluded
from rareseg.data.file_images import FileImages
from rareseg.data.folder_labels import FolderLabels
from rareseg.data.label_reader import LabelReader
from rareseg.data.sample_source import SampleSource
from rareseg.data.samples import Sample, find_samples
from rareseg.data.source import SOURCES
from rareseg.errors import ConfigError, DataError, DuplicateSampleError, MissingFileError, did_you_mean
from rareseg.types import IGNORE_INDEX

__all__ = ["open_coco"]


@SOURCES.register("coco")
def open_coco(settings: DatasetSettings) -> SampleSource:
    """Images below ``images``, masks drawn from annotations.

    Args:
        settings: With ``root`` set to the data's folder.

    Raises:
        ConfigError: A category matches no class, or a table lacks a column.
        DataError: The file or an image is absent or damaged, or an entry is wrong.
    """
    assert settings.coco is not None
    file = read_coco(Path(settings.root) / settings.coco.file)
    samples = _from_file(file, settings) if settings.samples is None else find_samples(settings)
    labels: dict[str | None, LabelReader] = {None: _labels(file, samples, settings, settings.coco)}
    for name, masks in settings.other_masks.items():
        if masks.column is None and masks.folder.lower().endswith(".json"):
            other = read_coco(Path(settings.root) / masks.folder)
            labels[name] = _labels(other, samples, settings, settings.coco)
        else:
            labels[name] = FolderLabels(settings, samples, name=name)
    return SampleSource(settings, samples, images=FileImages(samples), labels=labels, table=file.path)


def _from_file(file: CocoFile, settings: DatasetSettings) -> dict[str, Sample]:
    """A sample for each image that the file lists, with the entry's other keys as columns."""
    folder = Path(settings.root) / settings.images
    columns = sorted({column for image in file.images.values() for column in image.fields})
    found: dict[str, Sample] = {}
    for image in file.images.values():
        key = PurePosixPath(image.file_name).with_suffix("").as_posix()
        if key in found:
            raise DuplicateSampleError(
                f"'{file.path}' lists two images that would both be the sample '{key}': "
                f"'{found[key].image.name}' and '{image.file_name}'; rename or remove one of them."
            )
        row = {column: image.fields.get(column, "") for column in columns}
        found[key] = Sample(folder / image.file_name, key, row)
    if not found:
        raise MissingFileError(f"'{file.path}' lists no image; export it anew.")
    kept = without_excluded(settings, found)
    for name, sample in kept.items():
        # Unlike Path.is_file, this takes any name that a json may hold.
        if not os.path.isfile(sample.image):  # noqa: PTH113
            raise MissingFileError(
                f"'{sample.image}' does not exist, but '{file.path}' lists it; mend `images`, put the file "
                f"there, or list '{name}' under `exclude`."
            )
    return kept


def _labels(
    file: CocoFile, samples: Mapping[str, Sample], settings: DatasetSettings, coco: CocoSettings
) -> CocoLabels:
    folder = Path(settings.root) / settings.images
    by_path = {os.path.normpath(folder / image.file_name): key for key, image in file.images.items()}
    annotations, sizes = {}, {}
    for name, sample in samples.items():
        key = by_path.get(os.path.normpath(sample.image))
        if key is None:
            raise DataError(
                f"'{file.path}' does not list the image '{sample.image}' of '{name}'; add it, or list '{name}' "
                "under `exclude`."
            )
        annotations[name] = file.annotations.get(key, ())
        sizes[name] = file.images[key].size
    used = {annotation.category for listed in annotations.values() for annotation in listed}
    indices = _class_indices(file, used, settings, coco)
    return CocoLabels(file.path, annotations, sizes, indices, coco)


def _class_indices(
    file: CocoFile, used: set[CocoId], settings: DatasetSettings, coco: CocoSettings
) -> dict[CocoId, int]:
    """Class index of each category that annotations use."""
    if coco.match == "name":
        classes: dict[CocoId, int] = {name: index for index, name in enumerate(settings.class_names)}
        keys: Mapping[CocoId, CocoId] = {key: file.categories[key] for key in used}
    else:
        classes = {
            index if item.value is None else item.value: index for index, item in enumerate(settings.classes)
        }
        keys = {key: key for key in used}
    found = {key: classes[label] for key, label in keys.items() if label in classes}
    strange = sorted(str(file.categories[key]) for key in used if key not in found)
    if strange and coco.unmatched == "error":
        near = did_you_mean(strange[0], settings.class_names) if coco.match == "name" else ""
        listed = ", ".join(f"'{name}'" for name in strange[:20]) + (", ..." if len(strange) > 20 else "")
        raise ConfigError(
            f"'{file.path}' has annotations of the categories {listed}, which match no class by "
            f"{coco.match}.{near} Add them to `classes`, or set coco.unmatched: background or ignore."
        )
    if coco.unmatched == "ignore":
        found.update({key: IGNORE_INDEX for key in used if key not in found})
    return found
