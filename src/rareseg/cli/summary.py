"""The closing table of a study in the terminal."""

from __future__ import annotations

from pathlib import Path

__all__ = ["print_summary"]


def print_summary(runs: Path) -> None:
    """Print strategies against the rare classes' scores, where any run has finished."""
    from rich.console import Console

    from rareseg.report.load_runs import load_runs
    from rareseg.report.text_summary import text_summary

    study = load_runs(runs)
    if any(study.finished(strategy) for strategy in study.strategies):
        Console().print(text_summary(study))
