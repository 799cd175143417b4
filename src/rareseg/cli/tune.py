"""``rareseg tune``: decisions from stored scores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rareseg.cli.options import Device, Quiet, Root

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rareseg.config.aim import AimSettings
    from rareseg.report.decision_results import DecisionResults
    from rareseg.report.load_runs import StudyRuns
    from rareseg.study.progress import Progress
    from rareseg.study.tune_run import TunedRun

__all__ = ["tune"]


def tune(
    runs: Annotated[
        Path, typer.Argument(help="Folder that `rareseg run` wrote, or one run: RUNS/<strategy>/seed-<n>.")
    ],
    aim: Annotated[
        str, typer.Option("--aim", help="f_beta, contest_dice, recall or cost.", show_default=True)
    ] = "f_beta",
    beta: Annotated[
        float | None,
        typer.Option("--beta", help="For f_beta: above 1, recall weighs more.", show_default="1"),
    ] = None,
    max_false_alarms: Annotated[
        float | None,
        typer.Option("--max-false-alarms", help="For recall: most false regions in a megapixel."),
    ] = None,
    costs: Annotated[
        Path | None, typer.Option("--costs", help="For cost: yaml file of what errors cost.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Only this strategy; may be repeated.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="HTML file.", show_default="RUNS/tune.html")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Also write the figures as Markdown tables.")
    ] = None,
    root: Root = None,
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """Choose thresholds, smallest regions, gate and temperature on validation, and judge them on test.

    Each run gets a decision of its own, in RUN/decision.json: `rareseg predict --decision tuned` takes it. Nothing is
    trained, and nothing inferred where scores are stored. The page shows figures before and after, and the trade-off.
    """
    from rareseg.artefacts import write_text
    from rareseg.report.decision_markdown import decision_markdown
    from rareseg.report.decision_page import write_decision_page
    from rareseg.report.decision_results import decision_results
    from rareseg.study.progress import Progress, RichProgress

    settings = _aim(aim, beta, max_false_alarms, costs)
    study, folder = _study(runs, only or ())
    progress = Progress() if quiet else RichProgress()
    tuned = _tune_all(study, settings, root=root, device=device, progress=progress)
    results: dict[str, dict[str, DecisionResults]] = {}
    for name, found in tuned.items():
        with progress.task(f"{name}: figures"):
            results[name] = {
                split: decision_results(found, settings, split=split)
                for split in ("test", "val")
                if split in found[0].after
            }
    path = write_decision_page(study, tuned, results, settings, out or folder / "tune.html")
    if markdown is not None:
        write_text(markdown, decision_markdown(tuned, results, settings))
    if not quiet:
        _print(tuned, results)
    typer.echo(f"Page: {path}")


def _aim(name: str, beta: float | None, max_false_alarms: float | None, costs: Path | None) -> AimSettings:
    """The aim that the options name."""
    from rareseg.config.aim import AIM_NAMES, AimSettings
    from rareseg.config.costs import load_costs
    from rareseg.config.load import parse_settings
    from rareseg.errors import UnknownNameError

    if name not in AIM_NAMES:
        raise UnknownNameError("aim", name, AIM_NAMES)
    table = None if costs is None else load_costs(costs).model_dump()
    values = {"name": name, "beta": beta, "max_false_alarms": max_false_alarms, "costs": table}
    return parse_settings(AimSettings, values, where="rareseg tune")


def _study(runs: Path, only: Sequence[str]) -> tuple[StudyRuns, Path]:
    """The runs to tune and the folder of their study."""
    import dataclasses

    from rareseg.errors import OptionError, UnknownNameError
    from rareseg.report.load_runs import load_runs

    is_run = (runs / "config.yaml").exists()
    folder = runs.parent.parent if is_run else runs
    study = load_runs(folder)
    if is_run:
        if only:
            raise OptionError(f"--only chooses among strategies, but '{runs}' is one run; leave it out.")
        chosen = tuple(run for run in study.runs if run.folder.resolve() == runs.resolve())
        if not chosen[0].finished:
            raise OptionError(
                f"'{runs}' is not finished ({chosen[0].state}); finish it with `rareseg run` first."
            )
        return dataclasses.replace(study, runs=chosen), folder
    for name in only:
        if name not in study.strategies:
            raise UnknownNameError("finished strategy", name, study.strategies)
    return dataclasses.replace(
        study, runs=tuple(run for run in study.runs if not only or run.strategy in only)
    ), folder


def _tune_all(
    study: StudyRuns, aim: AimSettings, *, root: Path | None, device: str, progress: Progress
) -> dict[str, list[TunedRun]]:
    """Tune every finished run, strategy by strategy."""
    from rareseg.study.tune_run import tune_run

    waiting = [run for run in study.runs if not run.finished]
    if waiting:
        progress.note(f"{len(waiting)} of {len(study.runs)} runs are not finished and left out.")
    return {
        name: [
            tune_run(run.folder, aim, left_out=run.left_out, root=root, device=device, progress=progress)
            for run in study.finished(name)
        ]
        for name in study.strategies
    }


def _print(
    tuned: Mapping[str, Sequence[TunedRun]], results: Mapping[str, Mapping[str, DecisionResults]]
) -> None:
    """The aim's figures and what was chosen, as tables."""
    from rich.console import Console
    from rich.table import Table

    from rareseg.report.decision_words import change_cell, rule_cells, rule_notes, spread_cell

    console = Console()
    for split in next(iter(results.values())):
        words = {"test": "test", "val": "validation, where decisions were chosen"}[split]
        table = Table(title=f"Own and tuned decisions on {words}", title_justify="left")
        for heading in ("strategy", "figure", "own", "tuned", "difference"):
            table.add_column(heading, no_wrap=heading == "strategy")
        for name, parts in results.items():
            found = parts[split]
            for figure in (*found.aim, *(found.others if split == "test" else ())):
                before, after = spread_cell(figure, figure.before), spread_cell(figure, figure.after)
                table.add_row(name, figure.title, before, after, change_cell(figure))
        console.print(table)
    table = Table(title="Chosen on validation, seed by seed", title_justify="left")
    for heading in ("strategy", "class", "threshold", "smallest region"):
        table.add_column(heading, no_wrap=heading in ("strategy", "class"))
    notes: list[str] = []
    for name, runs in tuned.items():
        for label in runs[0].class_names[1:]:
            table.add_row(name, label, *rule_cells(runs, label))
        notes += rule_notes(runs)
    console.print(table)
    for note in dict.fromkeys(notes):
        console.print(note)
