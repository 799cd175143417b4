"""``rareseg demo``: the whole main job on synthetic battery foils."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rareseg.cli.options import Device, Quiet

__all__ = ["demo"]


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the data, the runs and the report.")] = Path(
        "rareseg-demo"
    ),
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer steps: under three minutes on two cores.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the synthetic data.")] = 0,
    size: Annotated[int, typer.Option("--size", min=96, help="Rows and columns of a foil.")] = 512,
    data_only: Annotated[
        bool, typer.Option("--data-only", help="Write the foils to OUT/data and train nothing.")
    ] = False,
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """Make synthetic battery foils, train three strategies on them, and end with the report."""
    from rareseg.artefacts import write_yaml
    from rareseg.cli.run import execute_study
    from rareseg.config.study import load_study_settings
    from rareseg.data.foil_dataset import write_foil_dataset
    from rareseg.report.write_report import write_report
    from rareseg.strategies.demo_study import demo_study
    from rareseg.study.progress import Progress, RichProgress

    progress = Progress() if quiet else RichProgress()
    with progress.task("making 26 foils") as update:
        dataset = write_foil_dataset(out / "data", seed=seed, size=(size, size), progress=update)
    if data_only:
        typer.echo(f"Data: {dataset}")
        return
    study = out / "study-quick.yaml" if quick else out / "study.yaml"
    write_yaml(study, demo_study(quick=quick))
    runs = out / ("runs-quick" if quick else "runs")
    execute_study(
        load_study_settings(study), runs, root=None, only=(), seeds=(), device=device, workers=0, quiet=quiet
    )
    path = write_report(runs, out / ("report-quick.html" if quick else "report.html"))
    typer.echo(f"Report: {path}")
