"""What ``rareseg predict`` is to predict: files that a path names, or tiles of a stack."""

from __future__ import annotations

import glob
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rareseg.errors import DataError, MissingFileError, OptionError

if TYPE_CHECKING:
    from rareseg.inference.predict_job import JobInput
    from rareseg.inference.segmenter import Segmenter

__all__ = ["find_files", "is_stack", "make_inputs"]

_STACKS = (".npz", ".npy")
_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")


def is_stack(source: str) -> bool:
    """Whether the input is an array with many tiles."""
    return Path(source).suffix.lower() in _STACKS


def find_files(source: str, *, key: str | None) -> dict[str, Path]:
    """The images that a path, folder or glob names, by their paths below the folder that all share; none of a stack.

    Raises:
        MissingFileError: There is none.
        OptionError: ``key`` names an array, but the input is no stack.
    """
    if is_stack(source):
        return {}
    if key is not None:
        raise OptionError(f"--key names an array of an .npz, but '{source}' is none; leave it out.")
    path = Path(source)
    if path.is_file():
        return {path.name: path}
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if p.suffix.lower() in _ENDINGS)
        base = path
    else:
        found = sorted(Path(p) for p in glob.glob(source, recursive=True) if Path(p).is_file())  # noqa: PTH207 (absolute globs)
        base = Path(os.path.commonpath([file.parent for file in found])) if found else path
    if not found:
        raise MissingFileError(
            f"'{source}' names no image; give an image, a folder with {', '.join(_ENDINGS)}, or a glob."
        )
    return {file.relative_to(base).as_posix(): file for file in found}


def make_inputs(model: Segmenter, source: str, files: dict[str, Path], *, key: str | None) -> list[JobInput]:
    """The images as a job takes them; a file that cannot be read is found out when its turn comes.

    Args:
        model: What reads them.
        source: As the user gave it.
        files: Of `find_files`.
        key: Array of the stack.

    Raises:
        OptionError: Several arrays of the stack fit and none is named.
        DataError: No array fits.
    """
    from rareseg.inference.predict_job import JobInput

    if files:
        return [
            JobInput(name, partial(model.reading.open, file), _pixels(model, file), _identity(file), file)
            for name, file in files.items()
        ]
    from rareseg.inference.stack_inputs import stack_inputs

    bands = model.reading.bands
    needed = model.judge.predictor.engine.in_channels if bands is None else max(bands) + 1
    images, names = stack_inputs(Path(source), key=key, num_bands=needed, exact=bands is None)
    identity = _identity(Path(source))
    found = []
    for name in names:
        header = images.header(name)
        opened = partial(model.reading.open_sample, images, name)
        found.append(JobInput(name, opened, header.height * header.width, identity))
    return found


def _pixels(model: Segmenter, file: Path) -> int:
    try:
        height, width = model.reading.size_of(file)
    except DataError:
        return 0
    return height * width


def _identity(file: Path) -> dict[str, Any]:
    """What of a file changes when it is written anew."""
    try:
        status = file.stat()
    except OSError:
        return {}
    return {"bytes": status.st_size, "modified_ns": status.st_mtime_ns}
