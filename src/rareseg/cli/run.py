"""``rareseg run``: train and judge every strategy of a study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rareseg.cli.options import Device, Quiet, Root

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rareseg.config.study import StudySettings

__all__ = ["execute_study", "run"]


def run(
    study: Annotated[Path, typer.Argument(help="study.yaml, or the folder that holds one.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder of the runs.", show_default="runs/<name of the study>"),
    ] = None,
    root: Root = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Only this strategy; may be repeated.")
    ] = None,
    seed: Annotated[list[int] | None, typer.Option("--seed", help="Only this seed; may be repeated.")] = None,
    device: Device = "auto",
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes that fetch patches.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Train and judge every strategy and seed of a study. The same command again continues where it stopped.

    Given in several terminals, with a --device each, the same command shares the runs among them.
    """
    from rareseg.config.study import load_study_settings

    settings = load_study_settings(study)
    folder = out or Path("runs") / settings.name
    execute_study(
        settings,
        folder,
        root=root,
        only=only or (),
        seeds=seed or (),
        device=device,
        workers=workers,
        quiet=quiet,
    )
    if not quiet:
        typer.echo(f"Next: rareseg report {folder}")


def execute_study(
    settings: StudySettings,
    out: Path,
    *,
    root: Path | None,
    only: Sequence[str],
    seeds: Sequence[int],
    device: str,
    workers: int,
    quiet: bool,
) -> None:
    """Run a study with progress, signals and a closing table; a run that failed ends in exit code 2.

    Raises:
        RaresegError: A mistake in the study or its data, or runs that failed.
    """
    from rareseg.cli.stop_signal import StopSignal
    from rareseg.cli.summary import print_summary
    from rareseg.errors import TrainingError
    from rareseg.study.progress import Progress, RichProgress
    from rareseg.study.run_study import run_study

    with StopSignal() as stop:
        outcome = run_study(
            settings,
            out,
            root=root,
            only=only,
            seeds=seeds,
            device=device,
            num_workers=workers,
            progress=Progress() if quiet else RichProgress(),
            stop_requested=stop.requested,
        )
    if not quiet:
        if outcome.skipped:
            typer.echo(f"{len(outcome.skipped)} runs were finished before and kept.")
        if outcome.elsewhere:
            typer.echo(
                f"{len(outcome.elsewhere)} runs were left to other processes: {', '.join(outcome.elsewhere)}. Give the "
                "same command again when these are done, to see that nothing is missing."
            )
        print_summary(out)
    if outcome.failed:
        first, message = next(iter(outcome.failed.items()))
        raise TrainingError(
            f"{len(outcome.failed)} of the runs failed, the others are done. {first}: {message}"
        )
