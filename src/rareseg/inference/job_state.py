"""What a prediction of many images has done so far, on disk, so that the same command goes on after a kill."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from rareseg.artefacts import locked, read_json, write_json
from rareseg.errors import ArtefactError, BusyError
from rareseg.inference.strip_log import StripLog

__all__ = ["JobState"]

_KIND = "predict"


class JobState:
    """Keeps notes while images are predicted, and leaves ``predict.json`` behind.

    While the work lasts, a folder ``.part`` holds ``done.jsonl``, a line for each finished image, ``<format>.lines``,
    what tables say of these, and ``strips``, the `StripLog` of a large image that is being predicted. The first line
    says of which job the notes are; those of another one are thrown away. At the end, ``predict.json`` lists the
    images with what they depended on, so that the same command later does those that are new, changed or failed.

    Args:
        out: Folder or file of the results.
        is_folder: Which of the two; a file ``labels.csv`` has its notes beside it, in ``labels.csv.part`` and
            ``labels.csv.json``.
        job: All that results depend on besides the image: model, options and formats, as JSON has it.
        overwrite: Whether to forget what was done.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     state = JobState(Path(folder), is_folder=True, job={"model": "m"})
        ...     state.finish("a.png", {"bytes": 9}, {"pixels": 6}, {"rle_csv": ["1 3"]})
        ...     again = JobState(Path(folder), is_folder=True, job={"model": "m"})
        ...     ((name, lines),) = again.entries("rle_csv", ["a.png", "b.png"])
        ...     print(again.is_done("a.png", {"bytes": 9}), name, list(lines))
        True a.png ['1 3']
    """

    def __init__(
        self, out: Path, *, is_folder: bool, job: Mapping[str, Any], overwrite: bool = False
    ) -> None:
        self._scratch = self.scratch_of(out, is_folder=is_folder)
        self._part = self._scratch.parent
        self._manifest = out / "predict.json" if is_folder else Path(f"{out}.json")
        self.changed = False
        """Whether there are results or notes of another job, which count no more."""
        self._job = json.loads(json.dumps(dict(job)))
        self._records: dict[str, dict[str, Any]] = {}
        self._spans: dict[str, dict[str, tuple[int, int]]] = {}
        self._ends: dict[str, int] = {}
        if overwrite:
            shutil.rmtree(self._part, ignore_errors=True)
            self._manifest.unlink(missing_ok=True)
        self._earlier = self._read_manifest()
        self._read_notes()

    @classmethod
    @contextmanager
    def owned(
        cls, out: Path, *, is_folder: bool, job: Mapping[str, Any], overwrite: bool = False
    ) -> Iterator[Self]:
        """The same, with other processes kept out while the context lasts.

        Raises:
            BusyError: Another process is writing there.
        """
        lock = out / ".lock" if is_folder else Path(f"{out}.lock")
        with locked(lock) as is_ours:
            if not is_ours:
                raise BusyError(
                    f"Another process is writing predictions to '{out}'; wait for it, or give another --out."
                )
            try:
                yield cls(out, is_folder=is_folder, job=job, overwrite=overwrite)
            finally:
                lock.unlink(missing_ok=True)

    @staticmethod
    def scratch_of(out: Path, *, is_folder: bool) -> Path:
        """Folder for files that are being written; what a kill leaves there is removed by the next work."""
        return (out / ".part" if is_folder else Path(f"{out}.part")) / "scratch"

    def is_done(self, name: str, identity: Mapping[str, Any]) -> bool:
        """Whether the notes of this work hold the image, as it is now."""
        return name in self._records and self._records[name]["identity"] == dict(identity)

    def was_done(self, name: str, identity: Mapping[str, Any]) -> bool:
        """Whether an earlier work that came to its end had the image, as it is now."""
        return name in self._earlier and self._earlier[name]["identity"] == dict(identity)

    def record(self, name: str) -> Mapping[str, Any]:
        """What `finish` was told of an image that is or was done."""
        return self._records.get(name) or self._earlier[name]

    def log(self, name: str, identity: Mapping[str, Any]) -> StripLog:
        """The strips of an image that is too large to be done at once."""
        return StripLog(self._part / "strips", {"image": name, "identity": dict(identity), "job": self._job})

    def finish(
        self,
        name: str,
        identity: Mapping[str, Any],
        record: Mapping[str, Any],
        entries: Mapping[str, Iterable[str]],
    ) -> None:
        """Note that an image is done.

        Args:
            name: The image.
            identity: What tells that the file is still the same.
            record: What is worth knowing of it.
            entries: By table, the lines that say of it what the table has.
        """
        self._part.mkdir(parents=True, exist_ok=True)
        # A kill before the note is written leaves lines that no note tells of; they are cut off.
        spans = {form: self._append(form, lines) for form, lines in entries.items()}
        note = {"name": name, "identity": dict(identity), **record, "lines": spans}
        with (self._part / "done.jsonl").open("ab") as file:
            if file.tell() == 0:
                file.write(_line({"job": self._job}))
            file.write(_line(note))
        self._take(note)
        self.drop_log()

    def drop_log(self) -> None:
        """Forget the strips of the image that was being predicted."""
        (self._part / "strips").unlink(missing_ok=True)

    def entries(self, form: str, names: Sequence[str]) -> Iterator[tuple[str, Iterator[str]]]:
        """The lines of a table of the images that are done, one image after the other."""
        for name in names:
            if name in self._spans:
                yield name, self._lines(form, *self._spans[name][form])

    def close(self, names: Sequence[str], failed: Mapping[str, str], **facts: Any) -> None:
        """Write ``predict.json`` and drop the notes.

        Args:
            names: Images of the job, in order.
            failed: Those that could not be used, and why.
            facts: What else it says.
        """
        known = {
            name: self._records.get(name) or self._earlier.get(name) for name in names if name not in failed
        }
        images = [record for record in known.values() if record is not None]
        write_json(
            self._manifest, {**facts, "job": self._job, "images": images, "failed": dict(failed)}, kind=_KIND
        )
        shutil.rmtree(self._part, ignore_errors=True)

    def _read_manifest(self) -> dict[str, dict[str, Any]]:
        try:
            found = read_json(self._manifest, kind=_KIND)
        except ArtefactError:
            return {}
        if found["job"] != self._job:
            self.changed = True
            return {}
        return {record["name"]: record for record in found["images"]}

    def _read_notes(self) -> None:
        """Take up the notes, without a last line that is half written."""
        shutil.rmtree(self._scratch, ignore_errors=True)
        path = self._part / "done.jsonl"
        if not path.exists():
            return
        with path.open("rb+") as file:
            end = 0
            for line in iter(file.readline, b""):
                note = _parsed(line)
                if note is None or (end == 0 and note.get("job") != self._job):
                    break
                if end:
                    self._take(note)
                end += len(line)
            file.truncate(end)
        if end == 0:
            self.changed = True
            shutil.rmtree(self._part, ignore_errors=True)

    def _take(self, note: Mapping[str, Any]) -> None:
        name = note["name"]
        self._records[name] = {key: value for key, value in note.items() if key != "lines"}
        self._spans[name] = {form: (first, end) for form, (first, end) in note["lines"].items()}
        self._ends.update({form: end for form, (_, end) in self._spans[name].items()})

    def _append(self, form: str, lines: Iterable[str]) -> tuple[int, int]:
        """Write lines behind those that notes tell of; where they begin and end."""
        first = self._ends.get(form, 0)
        path = self._part / f"{form}.lines"
        path.touch()
        with path.open("rb+") as file:
            file.truncate(first)
            file.seek(first)
            file.writelines((line + "\n").encode() for line in lines)
            return first, file.tell()

    def _lines(self, form: str, first: int, end: int) -> Iterator[str]:
        with (self._part / f"{form}.lines").open("rb") as file:
            file.seek(first)
            while file.tell() < end:
                yield file.readline().decode().removesuffix("\n")


def _line(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False) + "\n").encode()


def _parsed(line: bytes) -> dict[str, Any] | None:
    """A line as it was written; None for one that is cut off."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if line.endswith(b"\n") and isinstance(value, dict) else None
