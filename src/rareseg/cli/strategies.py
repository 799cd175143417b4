"""``rareseg strategies``: the catalogue of remedies, each with its source."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["strategies", "strategy_groups"]


def strategies(
    name: Annotated[
        str | None, typer.Argument(help="Print one strategy as YAML for study.yaml instead of the list.")
    ] = None,
) -> None:
    """List every strategy of the catalogue with one line and its source, or show what one of them changes."""
    from rareseg.config.catalog import CATALOG

    if name is not None:
        import yaml

        entry = CATALOG[name]
        changes = yaml.safe_dump({name: entry.change}, default_flow_style=None, sort_keys=False, width=100)
        typer.echo(f"# {entry.summary} ({entry.source})\n{changes}".rstrip())
        return
    width = max(len(name) for name in CATALOG)
    for group, names in strategy_groups().items():
        typer.echo(f"\n{group}")
        for name in names:
            typer.echo(f"  {name:<{width}}  {CATALOG[name].summary} [{CATALOG[name].source}]")
    typer.echo("\nIn study.yaml: strategies: {focal_iscf: {}} or {mine: {use: focal_iscf, ...}}.")
    typer.echo("Show one: rareseg strategies focal_iscf")


def strategy_groups() -> dict[str, list[str]]:
    """Names of the catalogue by group, in the order in which they were filed."""
    from rareseg.config.catalog import CATALOG

    groups: dict[str, list[str]] = {}
    for name in CATALOG:
        groups.setdefault(CATALOG[name].group, []).append(name)
    return dict(sorted(groups.items(), key=lambda item: _ORDER.index(item[0])))


_ORDER = ("Baseline", "Sampling", "Loss", "Head", "Model", "Data", "Recipe")
