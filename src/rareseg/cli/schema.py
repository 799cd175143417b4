"""``rareseg schema``: the JSON schema of a configuration file, for editors and for reading."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from rareseg.errors import UnknownNameError

__all__ = ["schema"]


def schema(name: Annotated[str, typer.Argument(help="dataset or study.")]) -> None:
    """Print the JSON schema of dataset.yaml or study.yaml."""
    from rareseg.config.dataset import DatasetSettings
    from rareseg.config.load import Settings
    from rareseg.config.study import StudySettings

    models: dict[str, type[Settings]] = {"dataset": DatasetSettings, "study": StudySettings}
    if name not in models:
        raise UnknownNameError("configuration file", name, models)
    typer.echo(json.dumps(models[name].model_json_schema(), indent=1))
