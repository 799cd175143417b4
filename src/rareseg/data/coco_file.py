"""The lists of a COCO file, checked: images, annotations by image, categories."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, cast

from rareseg.errors import DataError, DuplicateSampleError, MissingFileError, UnreadableFileError

__all__ = ["CocoAnnotation", "CocoFile", "CocoImage", "read_coco"]

CocoId = int | str


class CocoImage(NamedTuple):
    """An entry of ``images``."""

    file_name: str
    size: tuple[int, int] | None
    """Rows and columns, where the file says."""
    fields: Mapping[str, str]
    """Its other texts and numbers, by name."""


class CocoAnnotation(NamedTuple):
    """An entry of ``annotations``; its segmentation is looked at when the mask is read."""

    id: CocoId
    category: CocoId
    crowd: bool
    segmentation: Any


@dataclass(frozen=True)
class CocoFile:
    """What a COCO file holds.

    Args:
        path: The file.
        images: By id, in the file's order.
        annotations: Of each image that has some, in the file's order.
        categories: Names by id.
    """

    path: Path
    images: Mapping[CocoId, CocoImage]
    annotations: Mapping[CocoId, tuple[CocoAnnotation, ...]]
    categories: Mapping[CocoId, str]


def read_coco(path: Path) -> CocoFile:
    """Read and check a COCO file; 100 000 annotations take a few seconds.

    Raises:
        MissingFileError: There is no such file.
        UnreadableFileError: It is no JSON, or has no such lists.
        DuplicateSampleError: Two images share an id or a file name.
        DataError: An entry lacks a key, or an annotation names an image or a category that is not there.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "a.json"
        ...     _ = path.write_text('{"images": [], "annotations": [], "categories": [{"id": 3, "name": "rust"}]}')
        ...     read_coco(path).categories
        {3: 'rust'}
    """
    path = Path(path)
    lists = _load(path)
    images: dict[CocoId, CocoImage] = {}
    owners: dict[str, CocoId] = {}
    for number, entry in enumerate(lists["images"]):
        key = _id(entry, "id", f"'{path}': images[{number}]")
        image = _image(entry, f"'{path}': the image {key}")
        if key in images:
            raise DuplicateSampleError(f"'{path}' has two images with the id {key}; give each its own.")
        if owners.setdefault(image.file_name, key) != key:
            raise DuplicateSampleError(
                f"'{path}' has the file '{image.file_name}' twice, as images {owners[image.file_name]} and "
                f"{key}; remove one of them."
            )
        images[key] = image
    categories: dict[CocoId, str] = {}
    for number, entry in enumerate(lists["categories"]):
        key = _id(entry, "id", f"'{path}': categories[{number}]")
        if not _is_line(entry.get("name")) or key in categories:
            raise DataError(
                f"'{path}': the category {key} has no name, or comes twice; give each id one name."
            )
        categories[key] = entry["name"]
    return CocoFile(path, images, _annotations(lists["annotations"], path, images, categories), categories)


def _load(path: Path) -> dict[str, list[Any]]:
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise MissingFileError(f"'{path}' does not exist; mend `coco.file` in dataset.yaml.") from None
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnreadableFileError(f"'{path}' cannot be read as JSON ({reason}); export it anew.") from None
    for key in ("images", "annotations", "categories"):
        if not isinstance(value, dict) or not isinstance(value.get(key), list):
            raise UnreadableFileError(
                f"'{path}' should hold the lists images, annotations and categories, but has no list '{key}'; "
                "give a COCO file of instances."
            )
    return {key: value[key] for key in ("images", "annotations", "categories")}


def _annotations(
    entries: list[Any],
    path: Path,
    images: Mapping[CocoId, CocoImage],
    categories: Mapping[CocoId, str],
) -> dict[CocoId, tuple[CocoAnnotation, ...]]:
    found: dict[CocoId, list[CocoAnnotation]] = {}
    for number, entry in enumerate(entries):
        key = _id(entry, "id", f"'{path}': annotations[{number}]")
        where = f"'{path}': annotation {key}"
        image = _id(entry, "image_id", where)
        category = _id(entry, "category_id", where)
        if image not in images:
            raise DataError(
                f"{where} is of the image {image}, which `images` does not list; mend one of them."
            )
        if category not in categories:
            raise DataError(
                f"{where} is of the category {category}, which `categories` does not list; mend one of them."
            )
        crowd = entry.get("iscrowd", 0)
        if crowd not in (0, 1, None):
            raise DataError(f"{where} has the iscrowd {str(crowd)[:20]}, but 0 or 1 was expected; mend it.")
        found.setdefault(image, []).append(
            CocoAnnotation(key, category, bool(crowd), entry.get("segmentation"))
        )
    return {image: tuple(annotations) for image, annotations in found.items()}


def _id(entry: Any, key: str, where: str) -> CocoId:
    value = entry.get(key) if isinstance(entry, dict) else None
    if type(value) is int or _is_line(value):
        return cast("CocoId", value)
    raise DataError(f"{where} has no {key} that is a number or a text; add it or remove the entry.")


def _is_line(value: Any) -> bool:
    """Whether it is a text that a message of one line can hold."""
    return isinstance(value, str) and len(value.splitlines()) == 1


def _image(entry: dict[str, Any], where: str) -> CocoImage:
    name = entry.get("file_name")
    if not isinstance(name, str) or not _is_line(name) or not PurePosixPath(name).name:
        raise DataError(f"{where} has no file_name; add it or remove the entry.")
    size = entry.get("height"), entry.get("width")
    fields = {
        key: str(value)
        for key, value in entry.items()
        if isinstance(value, str | int | float) and key not in ("file_name", "height", "width")
    }
    if size == (None, None):
        return CocoImage(name, None, fields)
    height, width = size
    if not (type(height) is int and type(width) is int and 0 < height < 1 << 20 and 0 < width < 1 << 20):
        raise DataError(f"{where} has no sensible height and width; mend or remove both.")
    return CocoImage(name, (height, width), fields)
