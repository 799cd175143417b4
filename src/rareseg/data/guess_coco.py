"""A first ``dataset.yaml`` for a folder with images and one COCO file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from rareseg.data.coco_file import CocoFile, read_coco
from rareseg.errors import ConfigError, DataError
from rareseg.types import IGNORE_INDEX

__all__ = ["guess_coco"]

_FIRST_BYTES = 1 << 16


def guess_coco(folder: Path) -> dict[str, Any] | None:
    """Describe the folder as ``dataset.yaml`` does, or None if it has no COCO file whose images are there.

    Classes are the categories that annotations use, after the background.

    Raises:
        ConfigError: There are several such files.
    """
    found = []
    for path in sorted([*folder.glob("*.json"), *folder.glob("*/*.json")]):
        described = _describe(path, folder) if _may_be_coco(path) else None
        if described is not None:
            found.append((path, described))
    if len(found) > 1:
        listed = ", ".join(str(path.relative_to(folder)) for path, _ in found[:10])
        raise ConfigError(
            f"'{folder}' holds {len(found)} COCO files: {listed}; a dataset reads one. Join them, or write a "
            "dataset.yaml for each by hand after docs/formats.md."
        )
    return found[0][1] if found else None


def _may_be_coco(path: Path) -> bool:
    """A cheap look, since folders may hold many large json files of another kind."""
    with path.open("rb") as file:
        start = file.read(_FIRST_BYTES)
    return start.lstrip()[:1] == b"{" and any(
        word in start for word in (b'"images"', b'"annotations"', b'"categories"')
    )


def _describe(path: Path, folder: Path) -> dict[str, Any] | None:
    try:
        file = read_coco(path)
    except DataError:
        return None
    images = _images_folder(file, folder)
    used = {annotation.category for listed in file.annotations.values() for annotation in listed}
    names = list(dict.fromkeys(file.categories[key] for key in file.categories if key in used))
    named = [name for name in names if name and name.lower() != "background"]
    if images is None or not 0 < len(named) < IGNORE_INDEX:
        return None
    background = next((name for name in names if name.lower() == "background"), "background")
    return {
        "name": folder.resolve().name,
        "root": ".",
        "format": "coco",
        "images": images,
        "coco": {"file": path.relative_to(folder).as_posix()},
        "classes": [{"name": name} for name in (background, *named)],
        "split": {"kind": "region" if len(file.images) < 10 else "group"},
    }


def _images_folder(file: CocoFile, folder: Path) -> str | None:
    """Below which folder the file's images lie."""
    first = next(iter(file.images.values()), None)
    if first is None:
        return None
    places = [file.path.parent, folder, *sorted(path for path in folder.rglob("*") if path.is_dir())]
    for place in places:
        # Unlike Path.is_file, this takes any name that a json may hold.
        if os.path.isfile(place / first.file_name):  # noqa: PTH113
            return Path(os.path.relpath(place, folder)).as_posix()
    return None
