"""Which samples a folder dataset has: from a table, or by looking for images."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rareseg.artefacts import read_csv
from rareseg.config.dataset import DatasetSettings
from rareseg.data.excluded import without_excluded
from rareseg.data.image_file import IMAGE_ENDINGS
from rareseg.errors import ConfigError, DataError, DuplicateSampleError, MissingFileError

__all__ = ["Sample", "find_samples", "image_files"]


@dataclass(frozen=True)
class Sample:
    """One image of a dataset.

    Args:
        image: Its file.
        key: Path below the images folder without ending, by which its mask is found.
        row: Cells of the samples table; empty where there is none.
    """

    image: Path
    key: str
    row: Mapping[str, str] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """Name without folders and ending, in which a group's pattern is searched."""
        return self.key.rpartition("/")[2]


def find_samples(settings: DatasetSettings, *, endings: Sequence[str] = IMAGE_ENDINGS) -> dict[str, Sample]:
    """Samples by id, sorted, without those that the settings exclude.

    Args:
        settings: The dataset.
        endings: Endings of images that are looked for, in lower case, where no table names the files.

    Raises:
        ConfigError: The table lacks a column.
        DuplicateSampleError: An id occurs twice.
        MissingFileError: No image is found, or one that the table names is absent.
        OptionError: ``exclude`` names a sample that does not exist.
    """
    found = _from_table(settings) if settings.samples is not None else _from_folder(settings, endings)
    kept = without_excluded(settings, found)
    for name, sample in kept.items():
        if settings.samples is not None and not sample.image.is_file():
            raise MissingFileError(
                f"'{sample.image}' does not exist, but '{settings.samples}' names it as the image of "
                f"'{name}'; put the file there or remove the row."
            )
    return kept


def image_files(folder: Path, endings: Sequence[str] = IMAGE_ENDINGS) -> Iterator[Path]:
    """All image files below ``folder`` in sorted order; hidden files and folders are passed over."""
    for place, folders, files in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and name.lower().endswith(tuple(endings)):
                yield Path(place, name)


def _from_table(settings: DatasetSettings) -> dict[str, Sample]:
    root = Path(settings.root)
    table = root / str(settings.samples)
    rows = read_csv(table)
    for column in ("sample_id", "image"):
        if rows and column not in rows[0]:
            raise ConfigError(
                f"'{table}' has no column '{column}', but has {', '.join(rows[0])}; rename or add the column."
            )
    found: dict[str, Sample] = {}
    lines: dict[str, int] = {}
    for line, row in enumerate(rows, start=2):
        name = row["sample_id"].strip()
        if not name or not row["image"].strip():
            raise DataError(
                f"'{table}' line {line} has an empty sample_id or image; fill it in or remove the line."
            )
        if name in found:
            raise DuplicateSampleError(
                f"'{table}' has the sample_id '{name}' twice, in lines {lines[name]} and {line}; "
                "rename or remove one of them."
            )
        image = root / row["image"].strip()
        found[name] = Sample(image, _key(image, root / settings.images), row)
        lines[name] = line
    if not found:
        raise MissingFileError(f"'{table}' has no rows; list at least one sample.")
    return found


def _key(image: Path, folder: Path) -> str:
    try:
        path = image.relative_to(folder).as_posix()
    except ValueError:
        path = image.name
    return path.removesuffix(image.suffix)


def _from_folder(settings: DatasetSettings, endings: Sequence[str]) -> dict[str, Sample]:
    root = Path(settings.root)
    folder = root / settings.images
    if not folder.is_dir():
        raise MissingFileError(f"The images folder '{folder}' does not exist; mend `images` in dataset.yaml.")
    found: dict[str, Sample] = {}
    for image in image_files(folder, endings):
        if _is_mask(image, settings, folder):
            continue
        key = _key(image, folder)
        if key in found:
            raise DuplicateSampleError(
                f"'{found[key].image}' and '{image}' would both be the sample '{key}'; "
                "rename or remove one of them."
            )
        found[key] = Sample(image, key)
    if not found:
        raise MissingFileError(
            f"'{folder}' holds no image; looked for {', '.join(endings)} there and in its subfolders. "
            "Mend `images` in dataset.yaml."
        )
    return found


def _is_mask(path: Path, settings: DatasetSettings, images: Path) -> bool:
    """Whether a file below the images folder is a mask, because masks lie there too."""
    for name, suffix in _mask_folders(settings):
        folder = Path(settings.root) / name
        if not path.is_relative_to(folder) or (
            images.is_relative_to(folder) and folder.resolve() != images.resolve()
        ):
            continue
        if folder.resolve() != images.resolve():
            return True
        # Some published sets lay 'a.jpg' and its mask 'a.png' side by side.
        if path.stem.endswith(suffix) if suffix else path.suffix.lower() == ".png":
            return True
    return False


def _mask_folders(settings: DatasetSettings) -> Iterator[tuple[str, str]]:
    """Folder and suffix of all masks that are found by their names."""
    if not settings.has_mask_files:
        return
    if settings.masks.kind == "per_class":
        yield from ((item.folder, settings.masks.suffix) for item in settings.classes if item.folder)
    elif settings.masks.column is None:
        yield settings.masks.folder, settings.masks.suffix
    yield from ((m.folder, m.suffix) for m in settings.other_masks.values() if m.column is None)
