"""The samples that are left when the settings' exclusions are taken off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from rareseg.config.dataset import DatasetSettings
from rareseg.errors import MissingFileError, OptionError, did_you_mean

__all__ = ["without_excluded"]

T = TypeVar("T")


def without_excluded(settings: DatasetSettings, found: Mapping[str, T]) -> dict[str, T]:
    """Samples sorted by id, without those under ``exclude``.

    Raises:
        OptionError: ``exclude`` names a sample that does not exist.
        MissingFileError: None is left.
    """
    for name in settings.exclude:
        if name not in found:
            raise OptionError(
                f"`exclude` names the sample '{name}', but there is none."
                f"{did_you_mean(name, found)} Mend or remove that line of dataset.yaml."
            )
    kept = {name: found[name] for name in sorted(found) if name not in settings.exclude}
    if not kept:
        raise MissingFileError(
            f"'{settings.name}' has no samples left after `exclude`; take some off that list."
        )
    return kept
