"""What each part of a dataset's split holds of every class, from its masks alone."""

from __future__ import annotations

from typing import Any

from rareseg.config.dataset import DatasetSettings
from rareseg.data.class_pixels import count_class_pixels, map_in_threads
from rareseg.data.open_dataset import open_dataset
from rareseg.data.splits import make_splits
from rareseg.inspection.split_table import split_table

__all__ = ["class_balance"]


def class_balance(settings: DatasetSettings) -> dict[str, dict[str, Any]]:
    """Draw the split of a dataset and count images, groups and pixels of every class in its parts.

    Args:
        settings: The dataset.

    Returns:
        What `rareseg.inspection.split_table.split_table` returns.

    Raises:
        SplitError: The dataset cannot be split as the settings say.
        DataError: A mask is missing, broken or wrong.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from rareseg.config.dataset import load_dataset_settings
        >>> from rareseg.data.foil_dataset import write_foil_dataset
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = write_foil_dataset(Path(folder), num_images=4, size=(96, 96))
        ...     balance = class_balance(load_dataset_settings(path))
        >>> {part: row["num_images"] for part, row in balance.items()}
        {'train': 4, 'val': 4}
    """
    source = open_dataset(settings)
    splits = make_splits(source, settings.split)
    num_classes = source.class_table.num_classes
    regions = [region for part in splits.parts for region in part.regions]
    counted = map_in_threads(
        lambda region: count_class_pixels(source.read_mask(region.sample, region.window), num_classes),
        regions,
    )
    pixels = {region: row[:num_classes] for region, row in zip(regions, counted, strict=True)}
    return split_table(source, splits, pixels)
