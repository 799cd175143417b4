"""``log.csv``: one row per logged step, appended as training goes and cut back when a run resumes."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TextIO

from rareseg.artefacts import write_text

__all__ = ["COLUMNS", "RunLog"]

COLUMNS = ("step", "loss", "lr", "val_score", "patches_per_second", "elapsed_seconds")


class RunLog:
    """Appends rows to a CSV file that survives kills.

    Args:
        path: The file.
        keep_until: Rows of later steps (or torn by a kill) are dropped, since training will write them again.
    """

    def __init__(self, path: Path, *, keep_until: int) -> None:
        self._path = Path(path)
        lines = [",".join(COLUMNS)]
        if self._path.exists():
            for line in self._path.read_text(encoding="utf-8").splitlines()[1:]:
                cells = line.split(",")
                if len(cells) == len(COLUMNS) and cells[0].isdigit() and int(cells[0]) <= keep_until:
                    lines.append(line)
        write_text(self._path, "\n".join(lines) + "\n")
        self._file: TextIO = self._path.open("a", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file, lineterminator="\n")

    def append(
        self,
        step: int,
        *,
        loss: float,
        lr: float,
        val_score: float | None,
        patches_per_second: float,
        elapsed_seconds: float,
    ) -> None:
        """Add a row and hand it to the operating system."""
        score = "" if val_score is None or val_score != val_score else f"{val_score:.6g}"
        self._writer.writerow(
            [step, f"{loss:.9g}", f"{lr:.6g}", score, f"{patches_per_second:.2f}", f"{elapsed_seconds:.2f}"]
        )
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
