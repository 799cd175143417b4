"""Folder for arrays that had to be decompressed."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rareseg.artefacts import atomic_path
from rareseg.data.array_file import ArrayPlace, reading_arrays
from rareseg.errors import DataError
from rareseg.provenance import digest_of

__all__ = ["array_cache", "decompressed"]


def array_cache() -> Path:
    """``RARESEG_CACHE``, else ``rareseg`` in ``XDG_CACHE_HOME``, else in ``~/.cache``.

    Example:
        >>> isinstance(array_cache(), Path)
        True
    """
    if own := os.environ.get("RARESEG_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rareseg"


def decompressed(place: ArrayPlace, folder: Path) -> NDArray[np.generic]:
    """Map the .npy file that an earlier call left in ``folder`` for this very file, or write it first.

    Args:
        place: A compressed member of an .npz.
        folder: Where; made if it is not there.

    Raises:
        UnreadableFileError: The member is damaged.
        DataError: The folder cannot be written.
    """
    with reading_arrays(place.path):
        status = place.path.stat()
    origin = [str(place.path.resolve()), status.st_size, status.st_mtime_ns, place.member]
    digest = digest_of({"array": origin})
    target = folder / f"array-{digest}.npy"
    if not target.exists():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(folder).free
        except OSError as error:
            raise _no_room(place, folder, str(error)) from None
        if free < place.num_bytes + place.header:
            raise _no_room(place, folder, f"{free / 2**30:.1f} GiB are free")
        with (
            reading_arrays(place.path),
            atomic_path(target) as temporary,
            zipfile.ZipFile(place.path) as archive,
            archive.open(str(place.member)) as packed,
            temporary.open("wb") as plain,
        ):
            shutil.copyfileobj(packed, plain, 1 << 20)
    with reading_arrays(target):
        mapped: NDArray[np.generic] = np.load(target, mmap_mode="r", allow_pickle=False)
        return mapped


def _no_room(place: ArrayPlace, folder: Path, reason: str) -> DataError:
    return DataError(
        f"The compressed array '{place.path}:{str(place.member).removesuffix('.npy')}' needs "
        f"{place.num_bytes / 2**30:.1f} GiB in '{folder}' ({reason}); point RARESEG_CACHE to another folder, "
        "or save it with numpy.savez, which compresses nothing."
    )
