"""Which mask files belong to an image of a folder dataset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rareseg.config.dataset import DatasetSettings, MaskSettings
from rareseg.data.image_file import IMAGE_ENDINGS
from rareseg.data.samples import Sample, image_files
from rareseg.errors import ConfigError, DuplicateSampleError, MissingFileError

__all__ = ["MaskFiles", "find_masks"]

MaskFiles = dict[int, Path]
"""For masks of one file, ``{0: file}``; for a binary mask per class, the file of each class that has one."""


def find_masks(
    settings: DatasetSettings,
    samples: Mapping[str, Sample],
    *,
    name: str | None = None,
    endings: Sequence[str] = IMAGE_ENDINGS,
) -> dict[str, MaskFiles]:
    """Mask files of every sample; a sample without any gets an empty dict.

    A column of the table names them; else a mask has the image's name with the suffix of the settings, any
    supported ending, and lies in the same subfolder.

    Args:
        settings: The dataset.
        samples: Its samples by id.
        name: Of ``other_masks``; None for ``masks``.
        endings: Endings of masks that are looked for, in lower case.

    Raises:
        ConfigError: The table has no such column.
        MissingFileError: A masks folder does not exist, or the table names a file that does not.
        DuplicateSampleError: Two masks differ in their ending only.
    """
    root, masks, option = Path(settings.root), *_masks(settings, name)
    keys = {sample_id: sample.key + masks.suffix for sample_id, sample in samples.items()}
    if masks.kind == "per_class":
        found: dict[str, MaskFiles] = {sample_id: {} for sample_id in samples}
        for index, (folder, key) in _class_folders(settings, masks, name).items():
            for sample_id, path in _by_key(root / folder, keys, key, samples, endings).items():
                found[sample_id][index] = path
        return found
    column = _column(settings, masks, samples, name=name)
    if column is not None:
        table = str(settings.samples)
        return {
            sample_id: _from_row(root, sample_id, sample, column=column, table=table)
            for sample_id, sample in samples.items()
        }
    by_name = _by_key(root / masks.folder, keys, f"{option}.folder", samples, endings)
    return {sample_id: {0: by_name[sample_id]} if sample_id in by_name else {} for sample_id in samples}


def _masks(settings: DatasetSettings, name: str | None) -> tuple[MaskSettings, str]:
    """A set's settings and where dataset.yaml has them."""
    return (settings.masks, "masks") if name is None else (settings.other_masks[name], f"other_masks.{name}")


def _class_folders(
    settings: DatasetSettings, masks: MaskSettings, name: str | None
) -> dict[int, tuple[str, str]]:
    """Folder of each class, and the option that names it. Other labels have a folder named after each class."""
    if name is not None:
        return {
            index: (f"{masks.folder}/{item.name}", f"other_masks.{name}.folder")
            for index, item in enumerate(settings.classes[1:], start=1)
        }
    return {
        index: (item.folder, f"classes[{index}].folder")
        for index, item in enumerate(settings.classes)
        if item.folder is not None
    }


def _column(
    settings: DatasetSettings, masks: MaskSettings, samples: Mapping[str, Sample], *, name: str | None
) -> str | None:
    """The column that names the files, if one does."""
    if settings.samples is None:
        return None
    row = next(iter(samples.values())).row
    if masks.column is None:
        return "mask" if name is None and "mask" in row else None
    if masks.column not in row:
        raise ConfigError(
            f"'{settings.samples}' has no column '{masks.column}', but has {', '.join(row)}; mend "
            f"`{_masks(settings, name)[1]}.column` in dataset.yaml or add the column."
        )
    return masks.column


def _from_row(root: Path, name: str, sample: Sample, *, column: str, table: str) -> MaskFiles:
    cell = sample.row[column].strip()
    if not cell:
        return {}
    path = root / cell
    if not path.is_file():
        raise MissingFileError(
            f"'{path}' does not exist, but '{table}' names it as the {column} of '{name}'; put the file there, "
            f"or list '{name}' under `exclude`."
        )
    return {0: path}


def _by_key(
    folder: Path,
    keys: Mapping[str, str],
    option: str,
    samples: Mapping[str, Sample],
    endings: Sequence[str],
) -> dict[str, Path]:
    if not folder.is_dir():
        raise MissingFileError(
            f"The masks folder '{folder}' does not exist; mend `{option}` in dataset.yaml."
        )
    images = {sample.image for sample in samples.values()}
    files = _index(path for path in image_files(folder, endings) if path not in images)
    found = {}
    for name, key in keys.items():
        paths = files.get((folder / key).as_posix(), [])
        if len(paths) > 1:
            raise DuplicateSampleError(
                f"'{paths[0]}' and '{paths[1]}' could both be the mask of '{name}'; remove one of them."
            )
        if paths:
            found[name] = paths[0]
    return found


def _index(paths: Iterable[Path]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in paths:
        found.setdefault(path.with_suffix("").as_posix(), []).append(path)
    return found


def missing_mask(
    settings: DatasetSettings,
    sample_id: str,
    sample: Sample,
    *,
    name: str | None = None,
    endings: Sequence[str] = IMAGE_ENDINGS,
) -> MissingFileError:
    """The error for an image without a mask: where the mask was looked for, and what to do."""
    masks, option = _masks(settings, name)
    folder = masks.folder
    if masks.kind == "per_class":
        folder = ", ".join(place for place, _ in _class_folders(settings, masks, name).values())
    looked = f"'{sample.key}{masks.suffix}' with one of {', '.join(endings)} in '{folder}'"
    column = _column(settings, masks, {sample_id: sample}, name=name)
    if column is not None and masks.kind != "per_class":
        looked = f"the column '{column}' of '{settings.samples}'"
    kind = "mask" if name is None else f"mask of the labels '{name}'"
    return MissingFileError(
        f"The image '{sample.image}' has no {kind}; looked for {looked}. Add the mask, list "
        f"'{sample_id}' under `exclude`, or set {option}.missing: background."
    )
