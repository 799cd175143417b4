"""Files that one verb leaves for another: written whole or not at all, and stamped with their kind.

Every writer puts the bytes into a temporary file beside the target, flushes it to disk and renames it,
so a kill at any moment leaves either the old file or the new one.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import yaml

from rareseg.errors import ArtefactError, ConfigError

__all__ = [
    "atomic_path",
    "locked",
    "read_csv",
    "read_json",
    "read_parquet",
    "read_yaml",
    "write_bytes",
    "write_csv",
    "write_json",
    "write_parquet",
    "write_text",
    "write_yaml",
]


@contextlib.contextmanager
def atomic_path(path: Path, *, scratch: Path | None = None) -> Iterator[Path]:
    """Yield a temporary path; on success it is flushed and renamed to ``path``.

    Args:
        path: Where the file is to be.
        scratch: Folder of the temporary file, on the same disk; by default that of ``path``.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = path.parent if scratch is None else scratch
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=folder)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold a lock file while the context lasts; the lock goes with the process, however that ends.

    Args:
        path: The file; it is made, with its folders, and stays.

    Yields:
        Whether the lock could be had; False where another process holds it.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with locked(Path(folder) / ".lock") as first, locked(Path(folder) / ".lock") as second:
        ...         first, second
        (True, False)
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        yield _try_lock(file)


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text to ``path`` atomically."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Mapping[str, Any], *, kind: str, version: int = 1) -> None:
    """Write a JSON object stamped with ``"artefact": "<kind>/<version>"``.

    NaN is written as null, since JSON has none.
    """
    stamped = {"artefact": f"{kind}/{version}", **value}
    write_text(path, json.dumps(_without_nan(stamped), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path, *, kind: str, version: int = 1) -> dict[str, Any]:
    """Read a JSON artefact and check its stamp.

    Raises:
        ArtefactError: The file is missing, damaged, or of another kind or version.
    """
    path = Path(path)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtefactError(f"'{path}' does not exist; run the step that writes it first.") from None
    except (OSError, ValueError) as error:
        raise ArtefactError(
            f"'{path}' cannot be read as JSON ({error}); delete it and make it again."
        ) from None
    if not isinstance(value, dict) or value.get("artefact") != f"{kind}/{version}":
        found = value.get("artefact") if isinstance(value, dict) else type(value).__name__
        raise ArtefactError(
            f"'{path}' should be a {kind}/{version} file, but is {found}; make it again with this version."
        )
    return value


def write_yaml(path: Path, value: Mapping[str, Any]) -> None:
    """Write a mapping as YAML, keys in their given order, atomically."""
    write_text(path, yaml.safe_dump(dict(value), sort_keys=False, allow_unicode=True, width=110))


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises:
        ConfigError: The file is missing, is not YAML, or holds no mapping.
    """
    path = Path(path)
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"'{path}' does not exist; check the path.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"'{path}' cannot be read ({error}); give a YAML text file.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it is not YAML"
        raise ConfigError(f"'{path}' is not valid YAML{where}: {problem}. Mend that line.") from None
    if not isinstance(value, dict):
        raise ConfigError(
            f"'{path}' should hold keys and values, but holds {type(value).__name__}. See docs/formats.md."
        )
    return value


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]], *, columns: Sequence[str]) -> None:
    """Write rows as CSV with a header line, atomically."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def read_csv(path: Path) -> list[dict[str, str]]:
    """Read a CSV file with a header line into one dict a row.

    Raises:
        ConfigError: The file is missing, empty, or a row has too many or too few cells.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
            columns = reader.fieldnames
    except FileNotFoundError:
        raise ConfigError(f"'{path}' does not exist; check the path.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"'{path}' cannot be read as CSV ({error}); give a UTF-8 text file.") from None
    if not columns:
        raise ConfigError(f"'{path}' is empty; a header line with column names was expected.")
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise ConfigError(
                f"'{path}' line {number} does not have {len(columns)} cells as the header does; mend that line."
            )
    return rows


def write_parquet(path: Path, columns: Mapping[str, Any]) -> None:
    """Write named columns of equal length as one Parquet table, atomically."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with atomic_path(path) as temporary:
        pq.write_table(pa.table(dict(columns)), temporary, compression="zstd")


def read_parquet(path: Path) -> Any:
    """Read a Parquet table as `pyarrow.Table`.

    Raises:
        ArtefactError: The file is missing or damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path)
    except FileNotFoundError:
        raise ArtefactError(f"'{path}' does not exist; run the step that writes it first.") from None
    except (OSError, pa.ArrowException) as error:
        first = str(error).splitlines()[0]
        raise ArtefactError(
            f"'{path}' cannot be read as Parquet ({first}); delete it and run again."
        ) from None


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    if isinstance(value, Mapping):
        return {str(key): _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    if hasattr(value, "item") and not hasattr(value, "__len__"):
        return _without_nan(value.item())
    return value


def _try_lock(file: IO[str]) -> bool:
    """Take an advisory lock; systems without them (Windows) go without."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
