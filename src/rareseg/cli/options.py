"""Options that several verbs share, so that they are called the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Device", "Quiet", "Root"]

Root = Annotated[
    Path | None,
    typer.Option("--root", help="Folder of the data, instead of the one that dataset.yaml names."),
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print results and errors only.")]
