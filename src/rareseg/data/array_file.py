"""What arrays an .npz file, an .npy file or a folder of .npy files holds, and where in the file each begins."""

from __future__ import annotations

import contextlib
import math
import struct
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from rareseg.errors import ConfigError, MissingFileError, UnreadableFileError, did_you_mean

__all__ = ["ArrayPlace", "array_in", "arrays_text", "list_arrays", "reading_arrays"]

_MOST_LISTED = 20
_LOCAL_HEADER = struct.Struct("<4s22xHH")


@dataclass(frozen=True)
class ArrayPlace:
    """One array in a file, without its values.

    Args:
        path: The file.
        member: Its name inside an .npz; None for an .npy file.
        shape: Lengths of its axes.
        dtype: Its number type.
        fortran: Whether the first axis varies fastest.
        offset: Where its values begin, in bytes of the file; None where they are compressed.
        header: Bytes before the values inside the (decompressed) member.
    """

    path: Path
    member: str | None
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    offset: int | None
    header: int

    @property
    def num_bytes(self) -> int:
        """Bytes of the values."""
        return math.prod(self.shape) * self.dtype.itemsize


def list_arrays(path: Path) -> dict[str, ArrayPlace]:
    """Arrays by key, from headers alone.

    Args:
        path: An .npz, whose members are the keys; an .npy, or a folder of them, whose stems are the keys.

    Raises:
        MissingFileError: There is no such file, or the folder has no .npy file.
        UnreadableFileError: A file is damaged, or an array holds Python objects, which are never loaded.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.savez(Path(folder) / "a.npz", images=np.zeros((5, 8, 9), np.uint8))
        ...     arrays_text(list_arrays(Path(folder) / "a.npz"))
        'images 5 x 8 x 9 uint8'
    """
    path = Path(path)
    if path.is_dir():
        files = sorted(path.glob("*.npy"))
        if not files:
            raise MissingFileError(
                f"The folder '{path}' holds no .npy file; name the folder that holds them."
            )
        return {file.stem: _read_npy(file) for file in files}
    if path.suffix.lower() == ".npy":
        return {path.stem: _read_npy(path)}
    with reading_arrays(path), zipfile.ZipFile(path) as archive:
        return {
            info.filename.removesuffix(".npy"): _read_member(archive, info, path)
            for info in archive.infolist()
            if info.filename.endswith(".npy")
        }


def array_in(arrays: Mapping[str, ArrayPlace], key: str, path: Path, *, option: str) -> ArrayPlace:
    """The array of a key.

    Args:
        arrays: What `list_arrays` found.
        key: Its name.
        path: The file, for the message.
        option: The key of dataset.yaml that names it.

    Raises:
        ConfigError: There is no such array; the message lists those that there are.
    """
    if key not in arrays:
        raise ConfigError(
            f"'{path}' has no array '{key}'.{did_you_mean(key, arrays)} Mend `{option}`. "
            f"It holds: {arrays_text(arrays)}."
        )
    return arrays[key]


def arrays_text(arrays: Mapping[str, ArrayPlace]) -> str:
    """Names, shapes and types in one line."""
    listed = [
        f"{_shown(name)} {' x '.join(map(str, place.shape)) or 'one number'} {place.dtype.name}"
        for name, place in list(arrays.items())[:_MOST_LISTED]
    ]
    more = f" and {len(arrays) - _MOST_LISTED} more" if len(arrays) > _MOST_LISTED else ""
    return ", ".join(listed) + more if listed else "no array"


def _shown(name: str) -> str:
    """A key as a message of one line can hold it."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


@contextlib.contextmanager
def reading_arrays(path: Path) -> Iterator[None]:
    """Whatever zipfile and numpy raise becomes one line with the path and the cure.

    Raises:
        MissingFileError: There is no such file.
        UnreadableFileError: It is damaged.
    """
    try:
        yield
    except (UnreadableFileError, MissingFileError):
        raise
    except FileNotFoundError:
        raise MissingFileError(f"The file '{path}' does not exist; put it there or mend its name.") from None
    except MemoryError:
        raise UnreadableFileError(
            f"'{path}' does not fit into memory; save it uncompressed (numpy.savez), so that it can be mapped."
        ) from None
    # Damage shows as one of a dozen exceptions, depending on the byte that it hits.
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnreadableFileError(
            f"'{path}' cannot be read as arrays ({reason}); copy it anew from its origin, or save it with "
            "numpy.savez or numpy.save."
        ) from None


def _read_npy(path: Path) -> ArrayPlace:
    with reading_arrays(path), path.open("rb") as file:
        shape, fortran, dtype, header = _read_header(file, str(path))
        place = ArrayPlace(path, None, shape, dtype, fortran, header, header)
        _check_length(place, path.stat().st_size)
        return place


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> ArrayPlace:
    name = info.filename
    with archive.open(info) as file:
        shape, fortran, dtype, header = _read_header(file, f"{path}:{_shown(name.removesuffix('.npy'))}")
    start = None
    if info.compress_type == zipfile.ZIP_STORED:
        # The local header may have another extra field than the central one, so its own lengths count.
        with path.open("rb") as raw:
            raw.seek(info.header_offset)
            magic, name_length, extra_length = _LOCAL_HEADER.unpack(raw.read(_LOCAL_HEADER.size))
        if magic != b"PK\x03\x04":
            raise ValueError(f"the member '{name}' does not begin where the table says")
        start = info.header_offset + _LOCAL_HEADER.size + name_length + extra_length + header
    place = ArrayPlace(path, name, shape, dtype, fortran, start, header)
    _check_length(place, info.file_size)
    return place


def _read_header(file: IO[bytes], where: str) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"its array format is {version[0]}.{version[1]}, but 1.0 or 2.0 was expected")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    if dtype.hasobject:
        raise UnreadableFileError(
            f"'{where}' holds Python objects, which are not loaded since they could run code; save plain "
            "numbers: arrays of tiles that all have the same size."
        )
    if any(length < 0 for length in shape):
        raise ValueError(f"an axis has the length {min(shape)}")
    return shape, bool(fortran), dtype, file.tell()


def _check_length(place: ArrayPlace, length: int) -> None:
    if length < place.header + place.num_bytes:
        raise ValueError(
            f"the array of {' x '.join(map(str, place.shape))} {place.dtype.name} needs {place.num_bytes} "
            f"bytes, but {max(length - place.header, 0)} are there"
        )
