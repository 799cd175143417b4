"""A CSV file that is appended to as training goes and cut back when a run resumes."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from rareseg.artefacts import write_text

__all__ = ["CsvLog"]


class CsvLog:
    """Appends rows whose first cell is the step; survives kills.

    Args:
        path: The file.
        columns: Names of the cells; the first is ``step``.
        keep_until: Rows of later steps (or torn by a kill) are dropped, since training will write them again.
    """

    def __init__(self, path: Path, *, columns: Sequence[str], keep_until: int) -> None:
        self._path = Path(path)
        lines = [",".join(columns)]
        if self._path.exists():
            for line in self._path.read_text(encoding="utf-8").splitlines()[1:]:
                cells = next(csv.reader([line]))
                if len(cells) == len(columns) and cells[0].isdigit() and int(cells[0]) <= keep_until:
                    lines.append(line)
        write_text(self._path, "\n".join(lines) + "\n")
        self._file: TextIO = self._path.open("a", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file, lineterminator="\n")

    def append(self, *cells: object) -> None:
        """Add a row and hand it to the operating system."""
        self._writer.writerow(cells)
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
