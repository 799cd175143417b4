"""The decision that `rareseg tune` left in a run's folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rareseg.artefacts import read_json, read_yaml
from rareseg.errors import ArtefactError

__all__ = ["read_decision"]


def read_decision(folder: Path, name: str = "tuned") -> tuple[Mapping[str, Any], float | None]:
    """Settings as the recipe's key ``decision`` takes them, and the threshold of the image gate.

    Args:
        folder: ``RUNS/<strategy>/seed-<n>``.
        name: ``tuned`` for ``decision.json`` of the run, ``argmax``, ``own`` for the decision that it was judged with,
            or the path of a decision file.

    Returns:
        The settings, and None where the run's own gate threshold (or none) holds.

    Raises:
        ArtefactError: The run was not tuned, or the file is no decision.

    Example:
        >>> read_decision(Path("runs/focal/seed-0"), "argmax")
        ({'name': 'argmax'}, None)
    """
    if name == "argmax":
        return {"name": "argmax"}, None
    if name == "own":
        return read_yaml(folder / "config.yaml")["strategy"]["decision"], None
    path = folder / "decision.json" if name == "tuned" else Path(name)
    if not path.exists():
        hint = (
            f"Make it: rareseg tune '{folder}'"
            if name == "tuned"
            else "Give tuned, argmax, own or the path of a file."
        )
        raise ArtefactError(f"There is no decision '{path}'. {hint}")
    found = read_json(path, kind="decision")
    return found["decision"], found["gate_threshold"]
