"""``rareseg demo``: the whole main job on synthetic battery foils, or synthetic images alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rareseg.cli.options import Device, Quiet
from rareseg.errors import OptionError, UnknownNameError

if TYPE_CHECKING:
    from rareseg.study.progress import Progress

__all__ = ["demo"]

_KINDS = ("foil", "steel")


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the data, the runs and the report.")] = Path(
        "rareseg-demo"
    ),
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer steps: under three minutes on two cores.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the synthetic data.")] = 0,
    kind: Annotated[
        str,
        typer.Option("--kind", help="foil; or, with --data-only, steel: strips as in the Severstal contest."),
    ] = "foil",
    size: Annotated[
        int | None,
        typer.Option(
            "--size",
            min=96,
            help="Rows and columns of a foil, or rows of a strip 6.25 times as long.",
            show_default="512, strips 256",
        ),
    ] = None,
    images: Annotated[
        int | None, typer.Option("--images", min=1, help="Number of images.", show_default="26, strips 200")
    ] = None,
    data_only: Annotated[
        bool, typer.Option("--data-only", help="Write the images to OUT/data and train nothing.")
    ] = False,
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """Make synthetic battery foils, train three strategies on them, and end with the report."""
    from rareseg.study.progress import Progress, RichProgress

    if kind not in _KINDS:
        raise UnknownNameError("kind of synthetic images", kind, _KINDS)
    if kind != "foil" and not data_only:
        raise OptionError(f"The demo trains on foils; --kind {kind} makes images alone, so add --data-only.")
    progress = Progress() if quiet else RichProgress()
    make = _make_foils if kind == "foil" else _make_steel
    dataset = make(out / "data", seed, size, images, progress)
    if data_only:
        typer.echo(f"Data: {dataset}")
        return
    _train_and_report(out, quick=quick, device=device, quiet=quiet)


def _make_foils(folder: Path, seed: int, size: int | None, images: int | None, progress: Progress) -> Path:
    from rareseg.data.foil_dataset import write_foil_dataset

    number, side = images or 26, size or 512
    with progress.task(f"making {number} foils") as update:
        return write_foil_dataset(folder, num_images=number, seed=seed, size=(side, side), progress=update)


def _make_steel(folder: Path, seed: int, size: int | None, images: int | None, progress: Progress) -> Path:
    from rareseg.data.steel_dataset import write_steel_dataset

    number, height = images or 200, size or 256
    with progress.task(f"making {number} strips") as update:
        return write_steel_dataset(
            folder, num_images=number, seed=seed, size=(height, round(6.25 * height)), progress=update
        )


def _train_and_report(out: Path, *, quick: bool, device: str, quiet: bool) -> None:
    from rareseg.artefacts import write_yaml
    from rareseg.cli.run import execute_study
    from rareseg.config.study import load_study_settings
    from rareseg.report.write_report import write_report
    from rareseg.strategies.demo_study import demo_study

    study = out / "study-quick.yaml" if quick else out / "study.yaml"
    write_yaml(study, demo_study(quick=quick))
    runs = out / ("runs-quick" if quick else "runs")
    execute_study(
        load_study_settings(study), runs, root=None, only=(), seeds=(), device=device, workers=0, quiet=quiet
    )
    path = write_report(runs, out / ("report-quick.html" if quick else "report.html"))
    typer.echo(f"Report: {path}")
