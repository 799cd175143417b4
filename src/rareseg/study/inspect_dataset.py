"""Look at a dataset: fingerprint on disk, and a page about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rareseg.artefacts import write_json
from rareseg.config.dataset import DatasetSettings
from rareseg.data.check import check_dataset
from rareseg.data.normalise import given_ranges
from rareseg.data.open_dataset import open_dataset
from rareseg.data.splits import make_splits
from rareseg.inspection.fingerprint import make_fingerprint
from rareseg.study.progress import Progress

__all__ = ["inspect_dataset"]


def inspect_dataset(
    settings: DatasetSettings,
    folder: Path | str | None,
    *,
    outliers: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Make the fingerprint of a dataset.

    Args:
        settings: The dataset.
        folder: Where to write ``fingerprint.json``; None writes nothing.
        outliers: Whether to look for images that a small autoencoder cannot draw again, which takes some seconds
            more. Sets of identical masks are always looked for.
        progress: Told how far things are.

    Returns:
        The fingerprint, without NaN, ready for JSON.

    Raises:
        DataError: A file is missing, broken or wrong.
        OptionError: ``outliers`` has too few training images to learn from.

    Example:
        >>> import tempfile
        >>> from rareseg.config.dataset import load_dataset_settings
        >>> from rareseg.data.foil_dataset import write_foil_dataset
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = write_foil_dataset(Path(folder), num_images=4, size=(96, 96))
        ...     fingerprint = inspect_dataset(load_dataset_settings(path), None)
        >>> fingerprint["num_images"], [row["name"] for row in fingerprint["classes"]]
        (4, ['background', 'agglomeration', 'crack', 'cavity', 'blade_trail'])
    """
    progress = progress or Progress()
    source = open_dataset(settings)
    given_ranges(settings, source)
    splits = make_splits(source, settings.split)
    with progress.task("checking files") as update:
        check_dataset(source, splits, progress=update)
    with progress.task("fingerprint") as update:
        fingerprint = make_fingerprint(source, splits, name=settings.name, progress=update, outliers=outliers)
    if folder is not None:
        write_json(Path(folder) / "fingerprint.json", fingerprint, kind="fingerprint")
    return fingerprint
