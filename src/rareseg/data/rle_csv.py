"""The ``rle_csv`` format: images in a folder, and one table with the run lengths of every image and class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from rareseg.artefacts import read_csv
from rareseg.config.dataset import DatasetSettings
from rareseg.data.file_images import FileImages
from rareseg.data.labels import ClassTable
from rareseg.data.rle_labels import RleLabels
from rareseg.data.rle_table import read_rle_table
from rareseg.data.sample_source import SampleSource
from rareseg.data.samples import Sample, find_samples
from rareseg.data.source import SOURCES
from rareseg.errors import DuplicateSampleError

__all__ = ["open_rle_csv"]


@SOURCES.register("rle_csv")
def open_rle_csv(settings: DatasetSettings) -> SampleSource:
    """Images of a folder, labelled by a table of run lengths.

    Args:
        settings: With ``root`` set to the data's folder.

    Raises:
        ConfigError: A table is missing or lacks a column.
        DataError: A row names an unknown image or class, stands twice or holds no run lengths; or a file is
            absent, or a group's pattern does not match.
    """
    assert settings.rle_csv is not None
    samples = find_samples(settings)
    classes = ClassTable.from_settings(settings)
    table = read_rle_table(
        Path(settings.root) / settings.rle_csv.file,
        settings.rle_csv,
        classes,
        _image_names(samples),
        left_out=_left_out(settings),
    )
    labels = RleLabels(table, settings.rle_csv, classes.names)
    return SampleSource(settings, samples, images=FileImages(samples), labels={None: labels})


def _image_names(samples: Mapping[str, Sample]) -> dict[str, str]:
    """Sample ids by path below the images folder with ending and, where that is enough, without."""
    names: dict[str, str] = {}
    for name, sample in samples.items():
        full = sample.key + sample.image.suffix
        if full in names:
            raise DuplicateSampleError(
                f"The samples '{names[full]}' and '{name}' both have the image '{full}', so a table of run lengths "
                "cannot tell them apart; rename one of the files or remove the sample."
            )
        names[full] = name
    times = Counter(sample.key for sample in samples.values())
    short = {sample.key: name for name, sample in samples.items() if times[sample.key] == 1}
    return short | names


def _left_out(settings: DatasetSettings) -> set[str]:
    """Names of excluded images, without ending."""
    if not settings.exclude or settings.samples is None:
        return set(settings.exclude)
    root = Path(settings.root)
    rows = [row for row in read_csv(root / settings.samples) if row["sample_id"].strip() in settings.exclude]
    images = [root / row["image"].strip() for row in rows]
    folder = root / settings.images
    return {
        (image.relative_to(folder) if image.is_relative_to(folder) else Path(image.name))
        .with_suffix("")
        .as_posix()
        for image in images
    }
