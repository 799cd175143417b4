"""``rareseg cost``: what a model costs, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from rareseg.errors import ConfigError

__all__ = ["cost"]


def cost(
    model: Annotated[str, typer.Argument(help="Name of the model.")] = "unet",
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option", "-o", metavar="KEY=VALUE", help="An option of the model as in study.yaml; repeatable."
        ),
    ] = None,
    base_channels: Annotated[
        int | None,
        typer.Option(
            help="First feature maps, short for -o base_channels=N.", show_default="that of the model"
        ),
    ] = None,
    bands: Annotated[int, typer.Option(help="Bands of the image.")] = 3,
    classes: Annotated[int, typer.Option(help="Number of classes.")] = 5,
    size: Annotated[int, typer.Option(help="Rows and columns of a patch.")] = 256,
    batch: Annotated[int, typer.Option(help="Patches in a batch.")] = 16,
) -> None:
    """Print parameters, operations and activation memory of every layer of a model."""
    import torch

    from rareseg.models.build import build_model
    from rareseg.models.cost import cost_table
    from rareseg.models.cost_markdown import cost_markdown

    options = _parse(option or ())
    if base_channels is not None:
        options["base_channels"] = base_channels
    with torch.device("meta"):
        built = build_model({"name": model, **options}, in_channels=bands, num_classes=classes)
    typer.echo(cost_markdown(cost_table(built, (batch, bands, size, size))))


def _parse(options: Sequence[str]) -> dict[str, Any]:
    """Keys and values of options; a value is read as YAML, as it would be in study.yaml."""
    import yaml

    parsed = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not (key and equals):
            raise ConfigError(f"Expected an option as KEY=VALUE, but got '{option}'. Write: -o depth=3")
        try:
            parsed[key] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise ConfigError(f"The value of '{option}' is not YAML; write it as in study.yaml.") from None
    return parsed
