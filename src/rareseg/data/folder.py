"""The ``folder`` format: images in one folder, masks in another, or both named by a table."""

from __future__ import annotations

from rareseg.config.dataset import DatasetSettings
from rareseg.data.file_images import FileImages
from rareseg.data.folder_labels import FolderLabels
from rareseg.data.sample_source import SampleSource
from rareseg.data.samples import find_samples
from rareseg.data.source import SOURCES

__all__ = ["open_folder"]


@SOURCES.register("folder")
def open_folder(settings: DatasetSettings) -> SampleSource:
    """Images and masks in folders, as ``dataset.yaml`` describes them.

    Args:
        settings: With ``root`` set to the data's folder.

    Raises:
        ConfigError: A table lacks a column, or an option cannot take effect.
        DataError: A file is absent, an id occurs twice, or a group's pattern does not match.
    """
    samples = find_samples(settings)
    labels = {name: FolderLabels(settings, samples, name=name) for name in (None, *settings.other_masks)}
    return SampleSource(settings, samples, images=FileImages(samples), labels=labels)
