"""Which mask files belong to an image of a folder dataset."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rareseg.config.dataset import DatasetSettings
from rareseg.data.image_file import IMAGE_ENDINGS
from rareseg.data.samples import Sample, image_files
from rareseg.errors import DuplicateSampleError, MissingFileError

__all__ = ["MaskFiles", "find_masks"]

MaskFiles = dict[int, Path]
"""For masks of one file, ``{0: file}``; for a binary mask per class, the file of each class that has one."""


def find_masks(settings: DatasetSettings, samples: dict[str, Sample]) -> dict[str, MaskFiles]:
    """Mask files of every sample; a sample without any gets an empty dict.

    A table's column ``mask`` names them; else a mask has the image's name with the suffix of the settings,
    any supported ending, and lies in the same subfolder.

    Raises:
        MissingFileError: A masks folder does not exist, or the table names a file that does not.
        DuplicateSampleError: Two masks differ in their ending only.
    """
    root, masks = Path(settings.root), settings.masks
    if masks.kind == "per_class":
        folders = {
            index: item.folder for index, item in enumerate(settings.classes) if item.folder is not None
        }
        keys = {name: sample.key + masks.suffix for name, sample in samples.items()}
        found: dict[str, MaskFiles] = {name: {} for name in samples}
        for index, folder in folders.items():
            for name, path in _by_key(root / folder, keys, f"classes[{index}].folder", samples).items():
                found[name][index] = path
        return found
    if settings.samples is not None and all("mask" in sample.row for sample in samples.values()):
        return {name: _from_row(root, name, sample, settings.samples) for name, sample in samples.items()}
    keys = {name: sample.key + masks.suffix for name, sample in samples.items()}
    by_name = _by_key(root / masks.folder, keys, "masks.folder", samples)
    return {name: {0: by_name[name]} if name in by_name else {} for name in samples}


def _from_row(root: Path, name: str, sample: Sample, table: str) -> MaskFiles:
    cell = sample.row["mask"].strip()
    if not cell:
        return {}
    path = root / cell
    if not path.is_file():
        raise MissingFileError(
            f"'{path}' does not exist, but '{table}' names it as the mask of '{name}'; put the file there, "
            f"or list '{name}' under `exclude`."
        )
    return {0: path}


def _by_key(folder: Path, keys: dict[str, str], option: str, samples: dict[str, Sample]) -> dict[str, Path]:
    if not folder.is_dir():
        raise MissingFileError(
            f"The masks folder '{folder}' does not exist; mend `{option}` in dataset.yaml."
        )
    images = {sample.image for sample in samples.values()}
    files = _index(path for path in image_files(folder) if path not in images)
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


def missing_mask(settings: DatasetSettings, name: str, sample: Sample) -> MissingFileError:
    """The error for an image without a mask: where the mask was looked for, and what to do."""
    folder = settings.masks.folder
    if settings.masks.kind == "per_class":
        folder = ", ".join(item.folder for item in settings.classes if item.folder)
    looked = f"'{sample.key}{settings.masks.suffix}' with one of {', '.join(IMAGE_ENDINGS)} in '{folder}'"
    if "mask" in sample.row and settings.masks.kind != "per_class":
        looked = f"the column 'mask' of '{settings.samples}'"
    return MissingFileError(
        f"The image '{sample.image}' has no mask; looked for {looked}. Add the mask, list "
        f"'{name}' under `exclude`, or set masks.missing: background."
    )
