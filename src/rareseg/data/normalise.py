"""Given ranges instead of training statistics."""

from __future__ import annotations

from rareseg.config.dataset import DatasetSettings
from rareseg.data.source import Source
from rareseg.errors import ConfigError

__all__ = ["given_ranges"]


def given_ranges(
    settings: DatasetSettings, source: Source
) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """What is subtracted from each band and what it is divided by, so that ``low`` becomes 0 and ``high`` 1.

    Args:
        settings: The dataset.
        source: Its open source.

    Returns:
        ``low`` and ``high - low`` of each band; None where the settings give no ranges.

    Raises:
        ConfigError: There is not one range for each band.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from rareseg.config.dataset import load_dataset_settings
        >>> from rareseg.config.normalise import NormaliseSettings
        >>> from rareseg.data.foil_dataset import write_foil_dataset
        >>> from rareseg.data.open_dataset import open_dataset
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = write_foil_dataset(Path(folder), num_images=1, size=(64, 64))
        ...     settings = load_dataset_settings(path)
        ...     ranges = NormaliseSettings(low=(180, 254, 170), high=(4123, 3676, 2948))
        ...     given_ranges(settings.model_copy(update={"normalise": ranges}), open_dataset(settings))
        ((180.0, 254.0, 170.0), (3943.0, 3422.0, 2778.0))
    """
    ranges = settings.normalise
    if ranges is None:
        return None
    if len(ranges.low) != source.num_bands:
        raise ConfigError(
            f"`normalise` has ranges for {len(ranges.low)} bands, but images have {source.num_bands} (after the "
            "choice of `bands`); give one range for each."
        )
    return ranges.low, tuple(high - low for low, high in zip(ranges.low, ranges.high, strict=True))
