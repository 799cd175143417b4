"""Strips of a large image on disk, so that a killed process loses one strip at most."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np

from rareseg.inference.label_strip import LabelStrip
from rareseg.inference.strip_run import StripState

__all__ = ["StripLog"]

_KIND = "strips/2"
_LEVEL = 1
"""Of zlib: label maps of rare classes are long runs, which even the fastest level makes a hundredth of."""


class StripLog:
    """A file to which strips are appended, each with the state behind it.

    The first line is a JSON object that says whose strips they are. Each strip is a line of JSON (row, rows, width,
    bytes of what follows, checksum, state) and its labels, scores and doubts, deflated. What a kill left half written
    is cut off when the file is opened again; a strip that is on disk is never written anew.

    Args:
        path: The file. One of another image or model is begun afresh.
        identity: What the strips depend on, as JSON has it.

    Example:
        >>> import tempfile
        >>> from rareseg.inference.pixel_fit import PixelSums
        >>> state = StripState(row=2, is_open=True, pixels=PixelSums(number=[], sum=[], squares=[]))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with StripLog(Path(folder) / "a", {"model": "m"}) as log:
        ...         log.append(LabelStrip(0, np.ones((2, 3), np.uint8)), state)
        ...     with StripLog(Path(folder) / "a", {"model": "m"}) as log:
        ...         print(log.state["row"], [strip.labels.tolist() for strip in log.strips()])
        2 [[[1, 1, 1], [1, 1, 1]]]
    """

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self._path = Path(path)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self.state: StripState | None = None
        """Behind the last strip; None where there is none."""
        head = _line({"artefact": _KIND, **identity})
        self._begin = len(head)
        # "a+" makes the file where it is missing and keeps what it holds.
        self._file: BinaryIO = self._path.open("a+b")
        self._file.seek(0)
        self.is_foreign = False
        """Whether the file held strips of something else, which are gone now."""
        if self._file.read(len(head)) != head:
            self.is_foreign = self._path.stat().st_size > 0
            self._file.truncate(0)
            self._write(head)
        end = self._begin
        for header, after in self._records():
            self.state, end = header["state"], after
        self._file.truncate(end)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, strip: LabelStrip, state: StripState) -> None:
        """Put a strip on disk.

        Args:
            strip: The one behind the last.
            state: Of the run, behind the strip.
        """
        parts = [zlib.compress(strip.labels.tobytes(), _LEVEL)]
        layers = {"scores": strip.scores, "doubts": strip.doubts}
        for numbers in layers.values():
            if numbers is not None:
                # The two bytes of a number apart: most are 0, and the high ones are alike.
                planes = np.ascontiguousarray(numbers).view(np.uint8).reshape(-1, 2).T
                parts.append(zlib.compress(planes.tobytes(), _LEVEL))
        body = b"".join(parts)
        header = {
            "row": strip.row,
            "shape": strip.labels.shape,
            "layers": [name for name, numbers in layers.items() if numbers is not None],
            "bytes": [len(part) for part in parts],
            "crc": zlib.crc32(body),
            "state": state,
        }
        self._write(_line(header) + body)
        self.state = state

    def strips(self) -> Iterator[LabelStrip]:
        """All strips, from the top."""
        for header, end in self._records():
            self._file.seek(end - sum(header["bytes"]))
            shape = tuple(header["shape"])
            labels = np.frombuffer(zlib.decompress(self._file.read(header["bytes"][0])), np.uint8)
            layers = {}
            for name, length in zip(header["layers"], header["bytes"][1:], strict=True):
                planes = np.frombuffer(zlib.decompress(self._file.read(length)), np.uint8)
                layers[name] = np.ascontiguousarray(planes.reshape(2, -1).T).view(np.uint16).reshape(shape)
            yield LabelStrip(header["row"], labels.reshape(shape), **layers)

    def _records(self) -> Iterator[tuple[dict[str, Any], int]]:
        """Headers of the strips that are whole, and where each ends."""
        end = self._begin
        while True:
            self._file.seek(end)
            line = self._file.readline()
            try:
                header = json.loads(line)
                body = self._file.read(sum(header["bytes"]))
                whole = line.endswith(b"\n") and zlib.crc32(body) == header["crc"]
            except (ValueError, KeyError, TypeError):
                return
            if not whole:
                return
            end = self._file.tell()
            yield header, end

    def _write(self, data: bytes) -> None:
        self._file.seek(0, os.SEEK_END)
        self._file.write(data)
        self._file.flush()
        os.fsync(self._file.fileno())


def _line(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, sort_keys=True) + "\n").encode()
