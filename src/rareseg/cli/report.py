"""``rareseg report``: one HTML page from the artefacts of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rareseg.cli.options import Quiet

__all__ = ["report"]


def report(
    runs: Annotated[Path, typer.Argument(help="Folder that `rareseg run` wrote.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="HTML file.", show_default="RUNS/report.html")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Also write the figures as Markdown tables.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Write one self-contained HTML page that compares the strategies."""
    from rareseg.artefacts import write_text
    from rareseg.cli.summary import print_summary
    from rareseg.report.load_runs import load_runs
    from rareseg.report.markdown_summary import markdown_summary
    from rareseg.report.write_report import write_report

    path = write_report(runs, out or runs / "report.html")
    if markdown is not None:
        write_text(markdown, markdown_summary(load_runs(runs)))
    if not quiet:
        print_summary(runs)
    typer.echo(f"Report: {path}")
