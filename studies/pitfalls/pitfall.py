"""What a pitfall's script has: where its data and runs lie, and one command line for all of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from spread import Table, to_markdown

__all__ = ["Pitfall", "Place"]


@dataclass(frozen=True)
class Place:
    """Folder of the real datasets, and folder for the runs of the models that are trained."""

    data: Path
    runs: Path


@dataclass(frozen=True)
class Pitfall:
    """A mistake that is often made, and the measurement that shows what it costs."""

    name: str
    datasets: Sequence[str]
    """Folders below the data's folder that the measurement reads."""
    trains: bool
    """Whether it needs trained models, which take minutes the first time."""
    measure: Callable[[Place], Mapping[str, Table]]

    def missing(self, data: Path) -> list[str]:
        """Datasets that are not there."""
        return [name for name in self.datasets if not (data / name / "index.csv").is_file()]

    def main(self) -> None:
        """Print the tables of this pitfall alone."""
        parser = argparse.ArgumentParser(prog=f"{self.name}.py")
        parser.add_argument("--data", type=Path, required=True, help="folder of the real datasets")
        parser.add_argument(
            "--runs", type=Path, help="folder that keeps trained models; by default a new one"
        )
        options = parser.parse_args()
        missing = self.missing(options.data)
        if missing:
            parser.exit(0, f"skipped: '{options.data}' has no {' and no '.join(missing)}\n")
        place = Place(options.data, options.runs or Path(mkdtemp(prefix="rareseg-pitfalls-")))
        for title, table in self.measure(place).items():
            print(f"{title}\n\n{to_markdown(table)}")
