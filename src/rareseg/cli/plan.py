"""``rareseg plan``: a first study.yaml for a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rareseg.cli.options import Root
from rareseg.errors import ConfigError

__all__ = ["plan"]


def plan(
    dataset: Annotated[Path, typer.Argument(help="dataset.yaml, or the folder that holds one.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write.", show_default="study.yaml beside it")
    ] = None,
    root: Root = None,
) -> None:
    """Write a study.yaml that compares the usual remedies on a dataset: edit it, then run it."""
    from rareseg.artefacts import write_yaml
    from rareseg.cli.balance_text import balance_text
    from rareseg.config.dataset import load_dataset_settings
    from rareseg.study.class_balance import class_balance
    from rareseg.study.plan_study import plan_study

    settings = load_dataset_settings(dataset, root=root)
    yaml_path = dataset / "dataset.yaml" if dataset.is_dir() else dataset
    path = out or yaml_path.parent / "study.yaml"
    if path.exists():
        raise ConfigError(f"'{path}' exists already; give another --out, or delete it.")
    planned = plan_study(settings, dataset_path=yaml_path, study_path=path)
    typer.echo(balance_text(class_balance(settings)))
    write_yaml(path, planned)
    typer.echo(f"Wrote {path}. Look it over, then: rareseg run {path}")
