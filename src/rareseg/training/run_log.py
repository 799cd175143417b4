"""``log.csv``: one row per logged step."""

from __future__ import annotations

from pathlib import Path

from rareseg.training.csv_log import CsvLog

__all__ = ["COLUMNS", "RunLog"]

COLUMNS = ("step", "loss", "lr", "val_score", "patches_per_second", "elapsed_seconds")


class RunLog:
    """Appends rows to a CSV file that survives kills.

    Args:
        path: The file.
        keep_until: Rows of later steps (or torn by a kill) are dropped, since training will write them again.
    """

    def __init__(self, path: Path, *, keep_until: int) -> None:
        self._log = CsvLog(path, columns=COLUMNS, keep_until=keep_until)

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
        self._log.append(
            step, f"{loss:.9g}", f"{lr:.6g}", score, f"{patches_per_second:.2f}", f"{elapsed_seconds:.2f}"
        )

    def close(self) -> None:
        """Close the file."""
        self._log.close()
