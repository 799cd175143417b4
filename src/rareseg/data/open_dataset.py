"""From settings to a source that gives pixels."""

from __future__ import annotations

from rareseg.config.dataset import DatasetSettings
from rareseg.data import coco as _coco  # noqa: F401  (registers the format)
from rareseg.data import folder as _folder  # noqa: F401  (registers the format)
from rareseg.data import npz as _npz  # noqa: F401  (registers the format)
from rareseg.data import raster as _raster  # noqa: F401
from rareseg.data import rle_csv as _rle_csv  # noqa: F401
from rareseg.data.resampled_source import ResampledSource
from rareseg.data.source import SOURCES, Source

__all__ = ["open_dataset"]


def open_dataset(settings: DatasetSettings) -> Source:
    """Open a dataset: list its samples, groups and files without decoding any pixel.

    Args:
        settings: From `load_dataset_settings`, or made in Python with ``root`` set to the data's folder.

    Raises:
        ConfigError: A table lacks a column, or an option cannot take effect.
        DataError: A file that a table names is absent, or a sample id occurs twice.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from rareseg.data.foil_dataset import write_foil_dataset
        >>> from rareseg.config.dataset import load_dataset_settings
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = write_foil_dataset(Path(folder), num_images=1, size=(64, 48))
        ...     source = open_dataset(load_dataset_settings(path))
        ...     source.sample_ids, source.size("foil_000"), source.num_bands
        (('foil_000',), (64, 48), 3)
    """
    source = SOURCES[settings.format](settings)
    return source if settings.resample is None else ResampledSource(source, settings.resample.factor)
