"""``terms.csv``: what each term of a summed loss was worth, and its share of the gradient."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rareseg.losses.term_shares import TermShare
from rareseg.training.csv_log import CsvLog

__all__ = ["COLUMNS", "TermLog"]

COLUMNS = ("step", "part", "term", "value", "gradient_share")


class TermLog:
    """Writes nothing, not even the file, while every loss is a single term.

    Args:
        path: The file.
        keep_until: Rows of later steps are dropped, since training will write them again.
    """

    def __init__(self, path: Path, *, keep_until: int) -> None:
        self._path, self._keep_until = Path(path), keep_until
        self._log = CsvLog(path, columns=COLUMNS, keep_until=keep_until) if self._path.exists() else None

    def append(self, step: int, shares: Mapping[str, Mapping[str, TermShare]]) -> None:
        """Add the rows of one step.

        Args:
            step: Steps done.
            shares: Part and term to its value and share.
        """
        for part, terms in shares.items():
            for name, share in terms.items():
                if self._log is None:
                    self._log = CsvLog(self._path, columns=COLUMNS, keep_until=self._keep_until)
                self._log.append(step, part, name, f"{share.value:.9g}", f"{share.gradient_share:.4f}")

    def close(self) -> None:
        """Close the file."""
        if self._log is not None:
            self._log.close()
