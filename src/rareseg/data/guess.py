"""A first ``dataset.yaml`` for a folder, from what lies in it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rareseg.artefacts import read_csv
from rareseg.data.guess_coco import guess_coco
from rareseg.data.guess_masks import MASKS_LOOKED_AT, guess_masks
from rareseg.data.guess_rle import guess_rle
from rareseg.data.guess_stack import guess_stack
from rareseg.data.image_file import IMAGE_ENDINGS
from rareseg.data.raster_writer import grid_in_the_world
from rareseg.errors import ConfigError

__all__ = ["guess_dataset"]

IMAGE_FOLDERS = (
    "images",
    "image",
    "imgs",
    "img",
    "jpegimages",
    "pictures",
    "photos",
    "input",
    "inputs",
    "data",
    "x",
)
MASK_FOLDERS = (
    "masks",
    "mask",
    "labels",
    "label",
    "annotations",
    "annotation",
    "gt",
    "ground_truth",
    "groundtruth",
    "segmentation",
    "segmentationclass",
    "targets",
    "y",
)
SUFFIXES = ("", "_mask", "_label", "_labels", "_gt", "_seg", "-mask", "_segmentation", "_anno", "_annotation")
TABLES = ("index.csv", "samples.csv", "dataset.csv")


@dataclass(frozen=True)
class _Layout:
    """Images and masks that were found to belong together."""

    images: str
    masks: str
    suffix: str
    pairs: tuple[tuple[Path, Path], ...]


def guess_dataset(folder: Path) -> dict[str, Any]:
    """Look at a folder and describe it as ``dataset.yaml`` does; the user checks and edits the result.

    Looks for a contest's table of run lengths, else for a table of samples, else for folders of images and
    masks by their usual names, and for masks with the names of the images; then at some masks for their kind,
    values and colours.

    A folder with one .npz and no image is taken for a stack of tiles, as is an .npz itself. Where there are images
    without masks, a COCO file is looked for.

    Args:
        folder: Holds images and masks; or an .npz or .npy file with both.

    Returns:
        A mapping to be written as YAML, with ``root`` ``.``.

    Raises:
        ConfigError: No images, or no masks that belong to them, were found.
        DataError: A mask cannot be read.

    Example:
        >>> import tempfile
        >>> from rareseg.data.foil_dataset import write_foil_dataset
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = write_foil_dataset(Path(folder), num_images=1, size=(64, 64))
        ...     guessed = guess_dataset(Path(folder))
        >>> guessed["images"], guessed["masks"]["folder"], guessed["masks"]["kind"]
        ('images', 'masks', 'indexed')
    """
    folder = Path(folder)
    stack = folder if folder.is_file() else _only_stack(folder)
    if stack is not None:
        described = guess_stack(stack, _class_names(stack.parent), TABLES)
        return {"name": stack.resolve().stem, "root": ".", **described}
    run_lengths = guess_rle(folder)
    if run_lengths is not None:
        return run_lengths
    table = next((name for name in TABLES if _is_sample_table(folder / name)), None)
    rows = read_csv(folder / table) if table is not None else []
    try:
        layout = _from_table(folder, rows) if rows else _from_folders(folder)
    except ConfigError:
        annotated = guess_coco(folder)
        if annotated is None:
            raise
        return annotated
    step = max(1, len(layout.pairs) // MASKS_LOOKED_AT)
    masks, classes = guess_masks(
        [mask for _, mask in layout.pairs[::step]][:MASKS_LOOKED_AT], _class_names(folder)
    )
    guessed: dict[str, Any] = {"name": folder.resolve().name, "root": ".", "images": layout.images}
    if grid_in_the_world(layout.pairs[0][0]) is not None:
        guessed["format"] = "raster"
    guessed["masks"] = {"kind": masks.kind, "folder": layout.masks}
    if layout.suffix:
        guessed["masks"]["suffix"] = layout.suffix
    if masks.threshold is not None:
        guessed["masks"]["threshold"] = masks.threshold
    guessed["masks"]["ignore"] = masks.ignore
    guessed["classes"] = classes
    if rows:
        guessed["samples"] = table
        if "group" in rows[0]:
            guessed["group"] = {"column": "group"}
    guessed["split"] = _split(folder, rows, len(layout.pairs))
    return guessed


def _only_stack(folder: Path) -> Path | None:
    """The one .npz of a folder without images."""
    stacks = sorted(folder.glob("*.npz"))
    if not stacks or _files_by_folder(folder):
        return None
    if len(stacks) > 1:
        raise ConfigError(
            f"'{folder}' holds {len(stacks)} stacks: {', '.join(path.name for path in stacks[:10])}; say which: "
            f"rareseg inspect --init '{stacks[0]}'."
        )
    return stacks[0]


def _is_sample_table(path: Path) -> bool:
    if not path.is_file():
        return False
    rows = read_csv(path)
    return bool(rows) and {"sample_id", "image"} <= set(rows[0])


def _from_table(folder: Path, rows: Sequence[dict[str, str]]) -> _Layout:
    images = [folder / row["image"] for row in rows]
    found = next((path for path in images if path.is_file()), None)
    if found is None:
        raise ConfigError(
            f"The table in '{folder}' names images such as '{rows[0]['image']}', but none of them exists; "
            "paths count from the folder of the table."
        )
    if "mask" not in rows[0]:
        layout = _from_folders(folder)
        listed = {path.resolve() for path in images}
        pairs = tuple(pair for pair in layout.pairs if pair[0].resolve() in listed)
        return _Layout(layout.images, layout.masks, layout.suffix, pairs or layout.pairs)
    pairs = tuple(
        (folder / row["image"], folder / row["mask"])
        for row in rows
        if row["mask"] and (folder / row["mask"]).is_file()
    )
    if not pairs:
        raise ConfigError(
            f"The table in '{folder}' names masks such as '{rows[0]['mask']}', but none of them exists; "
            "paths count from the folder of the table."
        )
    return _Layout(_below(pairs[0][0].parent, folder), _below(pairs[0][1].parent, folder), "", pairs)


def _from_folders(folder: Path) -> _Layout:
    """The pair of folders with the most images that have a mask."""
    files = _files_by_folder(folder)
    if not files:
        raise ConfigError(
            f"'{folder}' holds no image ({', '.join(IMAGE_ENDINGS)}), nor do its subfolders; name the folder "
            "that holds images and masks."
        )
    best: _Layout | None = None
    for images, masks in _candidates(folder, files):
        for suffix in SUFFIXES:
            if images == masks and not suffix and not _is_mixed(files, images):
                continue
            pairs = _pair(files, images, masks, suffix)
            if pairs and (best is None or len(pairs) > len(best.pairs)):
                best = _Layout(_below(images, folder), _below(masks, folder), suffix, pairs)
    if best is None:
        raise ConfigError(
            f"'{folder}' holds images, but no masks that belong to them; looked for folders named "
            f"{', '.join(MASK_FOLDERS)} with the images' names, and for names that end in "
            f"{', '.join(SUFFIXES[1:])}. Write dataset.yaml by hand after docs/formats.md."
        )
    return best


def _files_by_folder(folder: Path) -> dict[Path, list[Path]]:
    """Image files of every folder, and of every folder above them up to the start."""
    found: dict[Path, list[Path]] = {}
    for place, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files = [Path(place, name) for name in sorted(names) if _is_image(name)]
        here = Path(place)
        while files:
            found.setdefault(here, []).extend(files)
            if here == folder:
                break
            here = here.parent
    return found


def _is_image(name: str) -> bool:
    return not name.startswith(".") and name.lower().endswith(IMAGE_ENDINGS)


def _candidates(folder: Path, files: dict[Path, list[Path]]) -> Iterator[tuple[Path, Path]]:
    """Folders that may hold images and masks, the likeliest first."""

    def rank(path: Path, names: Sequence[str]) -> int:
        """Place in the list; a name such as ``train_masks`` stands behind the plain ones."""
        name = path.name.lower()
        if name in names:
            return names.index(name)
        return len(names) + (0 if name.endswith(tuple(f"_{word}" for word in names)) else 1)

    ranks = {path: rank(path, MASK_FOLDERS) for path in files}
    masks = sorted((path for path in files if ranks[path] <= len(MASK_FOLDERS)), key=lambda path: ranks[path])
    others = (path for path in files if path not in masks)
    images = sorted(others, key=lambda path: (rank(path, IMAGE_FOLDERS), len(path.parts)))
    for mask_folder in masks:
        for image_folder in images:
            yield image_folder, mask_folder
    for both in sorted(files, key=lambda path: -len(path.parts)):
        yield both, both


def _is_mixed(files: dict[Path, list[Path]], folder: Path) -> bool:
    """Whether a folder holds masks as png beside images of another ending."""
    endings = {path.suffix.lower() for path in files[folder]}
    return ".png" in endings and len(endings) > 1


def _pair(
    files: dict[Path, list[Path]], images: Path, masks: Path, suffix: str
) -> tuple[tuple[Path, Path], ...]:
    """Images with their masks."""
    named: dict[str, Path] = {}
    for path in files[masks]:
        if images != masks or suffix or path.suffix.lower() == ".png":
            named.setdefault(path.relative_to(masks).with_suffix("").as_posix(), path)
    pairs = []
    for image in files[images]:
        if images != masks and image.is_relative_to(masks):
            continue
        mask = named.get(image.relative_to(images).with_suffix("").as_posix() + suffix)
        if mask is not None and mask != image:
            pairs.append((image, mask))
    return tuple(pairs)


def _below(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()


def _class_names(folder: Path) -> list[str]:
    """Names from a ``classes.json`` in the folder, or one beside it that knows this folder's name."""
    name = folder.resolve().name
    for path in (folder / "classes.json", folder.resolve().parent / "classes.json"):
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(value, dict):
            value = value.get(name, value.get("classes"))
        elif path.parent != folder:
            continue
        if isinstance(value, list) and all(isinstance(item, str) and item for item in value):
            return value
    return []


def _split(folder: Path, rows: Sequence[dict[str, str]], num_images: int) -> dict[str, Any]:
    if rows and {"train", "val"} <= {row.get("split", "") for row in rows}:
        return {"kind": "column", "column": "split"}
    lists = {part: f"{part}.csv" for part in ("train", "val", "test") if (folder / f"{part}.csv").is_file()}
    if {"train", "val"} <= set(lists) and all(_is_list(folder / name) for name in lists.values()):
        return {"kind": "lists", **lists}
    return {"kind": "region"} if num_images < 10 else {"kind": "group"}


def _is_list(path: Path) -> bool:
    rows = read_csv(path)
    return bool(rows) and "sample_id" in rows[0]
