"""``rareseg cost``: what a model costs, layer by layer."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["cost"]


def cost(
    model: Annotated[str, typer.Argument(help="Name of the model.")] = "unet",
    base_channels: Annotated[int, typer.Option(help="First feature maps.")] = 32,
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

    with torch.device("meta"):
        built = build_model(
            {"name": model, "base_channels": base_channels}, in_channels=bands, num_classes=classes
        )
    typer.echo(cost_markdown(cost_table(built, (batch, bands, size, size))))
