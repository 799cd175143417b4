"""The folder of one run (one strategy, one seed): its files and its state."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rareseg.artefacts import locked, read_json, read_yaml, write_json, write_yaml
from rareseg.errors import ArtefactError, BusyError
from rareseg.provenance import digest_of

__all__ = ["RunFolder", "State"]

State = Literal["absent", "running", "finished", "failed"]


@dataclass(frozen=True)
class RunFolder:
    """Paths and state of ``RUNS/<strategy>/seed-<n>/``."""

    path: Path

    @classmethod
    def of(cls, runs: Path, strategy: str, seed: int) -> RunFolder:
        """The folder of a strategy and seed below the study's folder."""
        return cls(Path(runs) / strategy / f"seed-{seed}")

    def file(self, name: str) -> Path:
        """Path of one of the run's files."""
        return self.path / name

    @property
    def state(self) -> State:
        """What ``status.json`` says."""
        if not self.file("status.json").exists():
            return "absent"
        state: State = read_json(self.file("status.json"), kind="status")["state"]
        return state

    def write_status(self, state: State, *, step: int, steps: int, message: str = "") -> None:
        """Note how far the run is."""
        write_json(
            self.file("status.json"),
            {"state": state, "step": step, "steps": steps, "message": message},
            kind="status",
        )

    @contextlib.contextmanager
    def owned(self) -> Iterator[None]:
        """Keep other processes out of the folder, and clear what a killed one left half-written.

        The lock goes with the process, however it ends.

        Raises:
            BusyError: Another process is at work on this run.
        """
        with locked(self.file(".lock")) as is_ours:
            if not is_ours:
                raise BusyError(
                    f"Another process is at work on '{self.path}'; wait for it, or give another --out folder."
                )
            for litter in self.path.rglob(".*.part"):
                litter.unlink(missing_ok=True)
            yield

    def claim(self, config: dict[str, Any]) -> dict[str, Any]:
        """Write ``config.yaml``, or check that the one there describes the same run.

        What was decided on this machine the first time (key ``decided``: precision, normalisation) is kept, so that
        a resumed run goes on as it began.

        Returns:
            The configuration that holds.

        Raises:
            ArtefactError: The folder holds a run with other settings.
        """
        path = self.file("config.yaml")
        if not path.exists():
            write_yaml(path, config)
            return config
        found = read_yaml(path)
        for key in sorted(set(config) | set(found)):
            if key != "decided" and digest_of({key: found.get(key)}) != digest_of({key: config.get(key)}):
                raise ArtefactError(
                    f"'{self.path}' holds a run whose '{key}' differs from the study's. Give another --out "
                    "folder, or delete that run's folder to train it again."
                )
        return found
